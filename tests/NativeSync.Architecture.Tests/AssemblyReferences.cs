using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace NativeSync.Architecture.Tests;

/// <summary>What the compiled assemblies really refer to, read from their metadata and not from project files.</summary>
internal static class AssemblyReferences
{
    /// <summary>Simple names of the assemblies that the given one refers to. Throws when it was not built beside the tests.</summary>
    public static IReadOnlySet<string> Of(string assembly)
    {
        using var stream = File.OpenRead(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"));
        using var file = new PEReader(stream);
        MetadataReader metadata = file.GetMetadataReader();
        return metadata.AssemblyReferences
            .Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name))
            .ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Assemblies to which this one opens its internals.</summary>
    public static IReadOnlySet<string> FriendsOf(string assembly)
    {
        using var stream = File.OpenRead(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"));
        using var file = new PEReader(stream);
        MetadataReader metadata = file.GetMetadataReader();
        var friends = new HashSet<string>(StringComparer.Ordinal);
        foreach (CustomAttributeHandle handle in metadata.GetAssemblyDefinition().GetCustomAttributes())
        {
            CustomAttribute attribute = metadata.GetCustomAttribute(handle);
            if (attribute.Constructor.Kind == HandleKind.MemberReference
                && metadata.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent is { Kind: HandleKind.TypeReference } parent
                && metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)parent).Name) == "InternalsVisibleToAttribute")
            {
                BlobReader value = metadata.GetBlobReader(attribute.Value);
                value.ReadUInt16(); // the prolog of ECMA-335 II.23.3
                friends.Add(value.ReadSerializedString()!);
            }
        }

        return friends;
    }

    /// <summary>True for what the shared framework itself brings: found beside the core library, and not beside the tests.</summary>
    public static bool IsBaseClassLibrary(string assembly) =>
        File.Exists(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, assembly + ".dll"))
        && !File.Exists(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"));
}
