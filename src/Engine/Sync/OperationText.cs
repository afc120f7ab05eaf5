using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>The verb of an <see cref="Operation"/>, for messages.</summary>
internal static class OperationText
{
    public static string Of(Operation operation) => operation switch
    {
        Operation.Open => "opening",
        Operation.Read => "reading",
        Operation.Stat => "looking at",
        Operation.ReadDirectory => "listing",
        Operation.ReadLink => "reading the link",
        Operation.GetXattr => "reading extended attributes of",
        Operation.Create => "creating",
        Operation.Write => "writing",
        Operation.Rename => "renaming to",
        Operation.Link => "linking",
        Operation.SymbolicLink => "creating the symbolic link",
        Operation.MakeNode => "creating the special file",
        Operation.MakeDirectory => "creating the directory",
        Operation.Remove => "removing",
        Operation.ChangeMode => "setting the permissions of",
        Operation.ChangeOwner => "setting the owner of",
        Operation.SetTimes => "setting the times of",
        Operation.SetXattr => "setting extended attributes of",
        Operation.SetFileFlags => "setting the inode flags of",
        Operation.SetProjectId => "setting the project id of",
        Operation.Verify => "verifying",
        Operation.Changed => "reading, while it changed,",
        Operation.Follow => "following the symbolic link",
        Operation.Space => "finding space for",
        _ => "handling",
    };
}
