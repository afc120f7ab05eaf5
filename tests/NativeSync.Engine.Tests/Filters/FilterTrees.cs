using System.Diagnostics;
using System.Text;

namespace NativeSync.Engine.Tests.Filters;

/// <summary>A few small random trees, made once, with names that rules may be about. Names are Latin-1 strings: one char is one byte.</summary>
public sealed class FilterTrees : IDisposable
{
    private const int Count = 12;

    private readonly string _root = Directory.CreateTempSubdirectory("nativesync-filters-").FullName;
    private readonly Dictionary<string, SortedDictionary<string, bool>> _trees = [];
    private int _files;

    /// <summary>Makes the trees, every time the same: the seed of a property must be enough to repeat it.</summary>
    public FilterTrees()
    {
        Random random = new(20_240_817);
        StringBuilder script = new($"set -e\nmkdir {_root}/empty\n");
        for (int i = 0; i < Count; i++)
        {
            // One type for each name on both sides: what is in the way of what is no matter of filters.
            Dictionary<string, bool> types = [];
            foreach (string side in (string[])["ab", "dst"])
            {
                string top = $"{_root}/{i}/{side}";
                SortedDictionary<string, bool> names = new(StringComparer.Ordinal);
                Grow(random, names, types, "", 0);
                _trees.Add(top, names);
                script.Append($"mkdir -p '{top}'\n");
                foreach ((string name, bool directory) in names)
                {
                    string path = Octal($"{top}/{name}");
                    script.Append(directory ? $"mkdir -p \"$(printf '{path}')\"\n" : $"printf x > \"$(printf '{path}')\"\n");
                }
            }
        }

        string file = Path.Combine(_root, "make.sh");
        File.WriteAllText(file, script.ToString(), Encoding.ASCII);
        using Process shell = Process.Start("sh", file);
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }

    /// <summary>Path (relative to the tree) to whether it is a directory.</summary>
    public IReadOnlyDictionary<string, bool> Names(string top) => _trees[top];

    /// <summary>A source and a destination.</summary>
    public (string Source, string Destination) Pick(Random random)
    {
        int i = random.Next(Count);
        return ($"{_root}/{i}/ab", $"{_root}/{i}/dst");
    }

    /// <summary>Writes a rule file and gives its path.</summary>
    public string RuleFile(string latin1)
    {
        string path = Path.Combine(_root, $"rules{Interlocked.Increment(ref _files)}");
        File.WriteAllText(path, latin1, Encoding.Latin1);
        return path;
    }

    /// <summary>An empty destination.</summary>
    public string Empty => Path.Combine(_root, "empty");

    // .NET cannot remove names that are not UTF-8.
    public void Dispose() => Process.Start("rm", ["-rf", _root]).WaitForExit();

    private static void Grow(Random random, SortedDictionary<string, bool> names, Dictionary<string, bool> types, string prefix, int depth)
    {
        string[] atoms = ["a", "b", "c", "ab", "foo", "x", "xx", "a b", ".a", "\u00e9", "\u00e9a", "1", "-", "!a", "[a", "[ab]", "a\\", "\\a", "*", "a*b", "fooab"];
        for (int i = depth == 0 ? 10 : random.Next(0, 5); i > 0; i--)
        {
            string name = prefix + atoms[random.Next(atoms.Length)];
            types.TryAdd(name, depth < 4 && random.Next(5) < 2);
            bool directory = types[name];
            if (names.TryAdd(name, directory) && directory)
            {
                Grow(random, names, types, name + "/", depth + 1);
            }
        }

    }

    private static string Octal(string path)
    {
        StringBuilder text = new();
        foreach (char c in path)
        {
            text.Append('\\').Append(Convert.ToString(c, 8).PadLeft(3, '0'));
        }

        return text.ToString();
    }
}
