using System.Buffers.Binary;
using System.Text;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Tests.FileSystem;

public sealed class IdentityMapTests
{
    [Fact]
    public void LinesThatAreNoUsersArePassedOver()
    {
        IdentityMap map = new("root:x:0:0:root:/root:/bin/sh\n# comment\n+nis::::::\n-gone:x:7:7::/:\n:x:8:8::/:\nnoid:x:\nbad:x:12a:1::/:\nbig:x:4294967295:1::/:\nann:x:1000:1000::/:\nann:x:1001:1::/:\nother:x:1000:1::/:\ncaf\u00e9:x:1002:1"u8, "grp:x:5\n"u8);
        Assert.Equal("ann", Encoding.ASCII.GetString(map.UserName(1000)!));
        Assert.Equal(1000u, map.UserId("ann"u8));
        Assert.Equal(1000u, map.UserId("other"u8));
        Assert.Equal(1002u, map.UserId("caf\u00e9"u8));
        Assert.Equal(5u, map.GroupId("grp"u8));
        foreach (string name in (string[])["", "noid", "bad", "big", "-gone", "gone", "+nis", "# comment"])
        {
            Assert.Null(map.UserId(Encoding.ASCII.GetBytes(name)));
        }

        Assert.Null(map.UserName(8));
    }

    [Fact]
    public void EqualNamesHaveEqualKeysOnTwoMachinesAndRootIsRoot()
    {
        IdentityMap here = new("toor:x:0:0::/:\nann:x:1000:1::/:\n"u8, default), there = new("root:x:0:0::/:\nann:x:2000:1::/:\n"u8, default);
        Assert.Equal(here.UserKey(1000), there.UserKey(2000));
        Assert.NotEqual(here.UserKey(1000), here.UserKey(2000));
        Assert.Equal(0u, here.UserKey(0));
        Assert.Equal(0u, there.UserKey(0));
        Assert.Equal(77u, here.UserKey(77));
    }

    [Fact]
    public void AListWithoutFormIsLeftToTheKernelToRefuse()
    {
        IdentityMapper ids = new(new IdentityMap(default, default));
        foreach (byte[] bad in (byte[][])[[], [2, 0, 0], [3, 0, 0, 0], [2, 0, 0, 0, 1], [2, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]])
        {
            byte[] copy = [.. bad];
            AccessControlList.MapIds(copy, ids);
            Assert.Equal(bad, copy);
            Assert.False(AccessControlList.IsWellFormed(bad));
        }
    }

    [Fact]
    public void MappedEntriesAreSortedByTheirNewIds()
    {
        IdentityMapper ids = new(new IdentityMap("a:x:9:1::/:\nb:x:3:1::/:\n"u8, default));
        ids.DefineUser(100, "a"u8);
        ids.DefineUser(200, "b"u8);
        byte[] list = new byte[4 + (3 * 8)];
        list[0] = 2;
        Put(list, 0, 1, 7, uint.MaxValue);
        Put(list, 1, 2, 4, 100);
        Put(list, 2, 2, 6, 200);
        AccessControlList.MapIds(list, ids);
        Assert.Equal([(1, 7, uint.MaxValue), (2, 6, 3u), (2, 4, 9u)], AccessControlList.Entries(list).Select(e => ((int)e.Tag, (int)e.Permissions, e.Id)));
    }

    private static void Put(byte[] list, int index, ushort tag, ushort permissions, uint id)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(list.AsSpan(4 + (8 * index)), tag);
        BinaryPrimitives.WriteUInt16LittleEndian(list.AsSpan(6 + (8 * index)), permissions);
        BinaryPrimitives.WriteUInt32LittleEndian(list.AsSpan(8 + (8 * index)), id);
    }
}
