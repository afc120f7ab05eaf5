using System.Text;
using NativeSync.Engine.Filters;

namespace NativeSync.Engine.Tests.Filters;

/// <summary>What a transfer with deletion does with two trees, by a filter list and nothing else. Names are Latin-1 strings.</summary>
internal static class Simulation
{
    /// <summary>Adds the names that the sending side shows, <paramref name="prefix"/> in front.</summary>
    public static void Walk(IReadOnlyDictionary<string, bool> tree, FilterList list, string prefix, ISet<string> sent)
    {
        HashSet<string> hidden = [];
        foreach ((string name, bool directory) in tree.OrderBy(pair => pair.Key.Count(c => c == '/')))
        {
            string parent = Parent(name);
            if (hidden.Contains(parent) || list.Check(Bytes(prefix + name), directory, FilterSide.Sender) == FilterDecision.Excluded)
            {
                hidden.Add(name);
            }
            else
            {
                sent.Add(prefix + name);
            }
        }
    }

    /// <summary>The names that would be deleted.</summary>
    public static SortedSet<string> Deletions(IReadOnlyDictionary<string, bool> source, IReadOnlyDictionary<string, bool> destination, ISet<string> sent, FilterList list)
    {
        SortedSet<string> deleted = new(StringComparer.Ordinal);
        foreach ((string name, bool directory) in destination)
        {
            string parent = Parent(name);
            bool listed = parent.Length == 0 || (sent.Contains(parent) && source[parent] && destination[parent]);
            if (listed && !sent.Contains(name) && list.Check(Bytes(name), directory, FilterSide.Receiver) == FilterDecision.Included)
            {
                Delete(name, directory);
            }
        }

        return deleted;

        bool DeleteContents(string top)
        {
            bool empty = true;
            foreach ((string child, bool directory) in destination.Where(pair => Parent(pair.Key) == top).ToList())
            {
                if (list.Check(Bytes(child), directory, FilterSide.Receiver, insideDeletion: true) != FilterDecision.Included)
                {
                    empty = false;
                }
                else
                {
                    empty &= Delete(child, directory);
                }
            }

            return empty;
        }

        bool Delete(string name, bool directory)
        {
            if (directory && !DeleteContents(name))
            {
                return false;
            }

            deleted.Add(name);
            return true;
        }
    }

    private static string Parent(string name) => name.LastIndexOf('/') is >= 0 and int slash ? name[..slash] : "";

    private static byte[] Bytes(string latin1) => Encoding.Latin1.GetBytes(latin1);
}
