using System.Text;
using NativeSync.TestKit.Trees;

namespace NativeSync.Cli.Tests.Filters;

/// <summary>What a name stands for, the same at the source and at the destination: what is in the way of what is no matter of filters.</summary>
internal enum PairType
{
    File,
    Directory,
    Link,
}

/// <summary>A small source and a small destination from a seed, made and removed by system calls. Names are Latin-1 strings.</summary>
internal sealed class PairTree(string root)
{
    private static readonly string[] Plain = ["a", "b", "c", "ab", "foo", "x", "xx", ".a", "\u00e9", "\u00e9a", "1", "-", "!a", "fooab", "a b", "x.o", "core"];
    private static readonly string[] Wild = ["[a", "[ab]", "a\\", "\\a", "*", "a*b", "?"];

    private readonly List<(string Path, PairType Type)> _made = [];
    private readonly Dictionary<string, PairType> _types = [];
    private readonly List<string> _contents = [];

    /// <summary>Makes a directory with contents below it.</summary>
    /// <param name="random">What decides.</param>
    /// <param name="top">Its path from the root.</param>
    /// <param name="size">How many names are tried at the top.</param>
    /// <param name="wildDirectories">Names of directories may hold wildcards. rsync takes those for wildcards of rules in such a directory.</param>
    /// <param name="ruleFile">Content of a rule file of that name; null for none.</param>
    public void Grow(Random random, string top, int size, bool wildDirectories, Func<string, string?> ruleFile)
    {
        Folder(top);
        Grow(random, top, "", size, 0, wildDirectories, ruleFile);
    }

    /// <summary>Makes a directory.</summary>
    public void Folder(string path) => Make(path, PairType.Directory, "");

    /// <summary>The rule files that were written, for messages.</summary>
    public string RuleFiles() => string.Join('\n', _contents);

    /// <summary>Writes a file.</summary>
    public void File(string path, string content)
    {
        _contents.Add($"{path}: {content.Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal).Replace("\0", "\\0", StringComparison.Ordinal)}");
        Make(path, PairType.File, content);
    }

    /// <summary>Removes everything.</summary>
    public void Clear()
    {
        for (int i = _made.Count - 1; i >= 0; i--)
        {
            byte[] path = Bytes(_made[i].Path);
            if (_made[i].Type == PairType.Directory)
            {
                RawFiles.RemoveDirectory(path);
            }
            else
            {
                RawFiles.Unlink(path);
            }
        }

        _made.Clear();
        _types.Clear();
        _contents.Clear();
    }

    private void Grow(Random random, string top, string below, int size, int depth, bool wildDirectories, Func<string, string?> ruleFile)
    {
        HashSet<string> here = [];
        foreach (string name in RuleGenerator.FileNames)
        {
            if (ruleFile(name) is { } content && here.Add(name))
            {
                _types[below + name] = PairType.File;
                File($"{top}/{below}{name}", content);
            }
        }

        for (int i = 0; i < size; i++)
        {
            string name = random.Next(4) == 0 ? Wild[random.Next(Wild.Length)] : Plain[random.Next(Plain.Length)];
            string path = below + name;
            int kind = random.Next(10);
            _types.TryAdd(path, depth < 3 && kind < 4 && (wildDirectories || !Wild.Contains(name)) ? PairType.Directory : kind == 9 ? PairType.Link : PairType.File);
            if (!here.Add(name))
            {
                continue;
            }

            Make($"{top}/{path}", _types[path], new string('x', path.Length % 4));
            if (_types[path] == PairType.Directory)
            {
                Grow(random, top, path + "/", random.Next(0, 5), depth + 1, wildDirectories, ruleFile);
            }
        }
    }

    private void Make(string path, PairType type, string content)
    {
        string full = root + "/" + path;
        byte[] bytes = Bytes(full);
        switch (type)
        {
            case PairType.Directory: RawFiles.MakeDirectory(bytes); break;
            case PairType.Link: RawFiles.SymbolicLink("."u8.ToArray(), bytes); break;
            default:
                RawFiles.WriteFile(bytes, Bytes(content));
                RawFiles.SetModified(bytes, 1_000_000_000);
                break;
        }

        _made.Add((full, type));
    }

    private static byte[] Bytes(string latin1) => Encoding.Latin1.GetBytes(latin1);
}
