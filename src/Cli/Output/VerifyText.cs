using System.Globalization;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Output;

/// <summary>Findings of a comparison in words.</summary>
internal static class VerifyText
{
    /// <summary>Each aspect with its name in text and in JSON.</summary>
    public static IReadOnlyList<(VerifyAspects Aspect, string Word, string Json)> Aspects { get; } =
    [
        (VerifyAspects.Type, "type", "type"), (VerifyAspects.Size, "size", "size"), (VerifyAspects.Content, "content", "content"),
        (VerifyAspects.LinkTarget, "link target", "linkTarget"), (VerifyAspects.Device, "device number", "device"),
        (VerifyAspects.Mode, "permissions", "permissions"), (VerifyAspects.Owner, "owner", "owner"), (VerifyAspects.Group, "group", "group"),
        (VerifyAspects.Time, "time", "time"), (VerifyAspects.Xattrs, "extended attributes", "xattr"), (VerifyAspects.Acl, "access control list", "acl"),
        (VerifyAspects.HardLink, "hard links", "hardLink"), (VerifyAspects.FileFlags, "file flags", "fileFlags"), (VerifyAspects.ProjectId, "project id", "projectId"),
    ];

    /// <summary>One line, e.g. <c>differs: etc/passwd: size 10 / 12, content</c>. Source's value first.</summary>
    public static string Line(VerifyDifference difference)
    {
        string path = difference.Path.Length == 0 ? "." : ByteText.Escape(difference.Path);
        if ((difference.Aspects & VerifyAspects.MissingAtDestination) != 0)
        {
            return "only in the source: " + path;
        }

        if ((difference.Aspects & VerifyAspects.MissingAtSource) != 0)
        {
            return "only in the destination: " + path;
        }

        IEnumerable<string> words = Aspects.Where(entry => (difference.Aspects & entry.Aspect) != 0).Select(entry => entry.Word + Values(entry.Aspect, difference));
        return $"differs: {path}: {string.Join(", ", words)}";
    }

    /// <summary>One line about what could not be read.</summary>
    public static string Line(VerifyProblem problem) =>
        new SyncProblem(problem.Operation, problem.Errno, problem.Path.Length == 0 ? "."u8.ToArray() : problem.Path, OnSource: !problem.OnDestination, problem.Warning).Message;

    /// <summary>The end: digests and counts of both sides, and the verdict.</summary>
    public static string Summary(VerifyReport report)
    {
        string verdict = report.Same ? "equal"
            : report.RootMissing ? "not compared: a side cannot be opened"
            : report.DifferenceCount > 0 ? $"different: {Count(report.DifferenceCount, "entry differs", "entries differ")}{(report.ProblemCount > 0 ? ", " + Problems(report) : "")}"
            : report.ProblemCount > 0 ? "not proven equal: " + Problems(report)
            : "different: the digests do not agree";
        return $"source       {Side(report.SourceDigest, report.Source)}\ndestination  {Side(report.DestinationDigest, report.Destination)}\n{verdict}\n";
    }

    /// <summary>A digest as 32 hexadecimal digits.</summary>
    public static string Hex(UInt128 digest) => digest.ToString("x32", CultureInfo.InvariantCulture);

    private static string Problems(VerifyReport report) => Count(report.ProblemCount, "problem", "problems");

    private static string Count(long count, string one, string more) => $"{NumberText.Of(count, 1)} {(count == 1 ? one : more)}";

    private static string Side(UInt128 digest, Statistics s) =>
        $"{Hex(digest)}  {NumberText.Of(s.Entries, 1)} entries, {NumberText.Of(s.Files, 1)} files, {NumberText.Of(s.TotalSize, 1)} bytes";

    private static string Values(VerifyAspects aspect, VerifyDifference difference)
    {
        if (aspect == VerifyAspects.Xattrs)
        {
            return difference.Attributes.Count == 0 ? "" : $" ({string.Join(", ", difference.Attributes.Select(static name => ByteText.Escape(name)))})";
        }

        if (difference is not { Source: { } a, Destination: { } b })
        {
            return "";
        }

        return aspect switch
        {
            VerifyAspects.Type => $" {a.Type} / {b.Type}",
            VerifyAspects.Size => $" {a.Size} / {b.Size}",
            VerifyAspects.Mode => $" {Octal(a.Mode)} / {Octal(b.Mode)}",
            VerifyAspects.Owner => $" {a.Uid} / {b.Uid}",
            VerifyAspects.Group => $" {a.Gid} / {b.Gid}",
            VerifyAspects.Device => $" {a.Rdev >> 32}:{(uint)a.Rdev} / {b.Rdev >> 32}:{(uint)b.Rdev}",
            VerifyAspects.Time => $" {Seconds(a.Modified)} / {Seconds(b.Modified)}",
            _ => "",
        };
    }

    private static string Octal(uint mode) => Convert.ToString(mode & 0xfff, 8).PadLeft(4, '0');

    private static string Seconds(Timestamp time) => string.Create(CultureInfo.InvariantCulture, $"{time.Seconds}.{time.Nanoseconds:000000000}");
}
