using System.Text;
using NativeSync.Cli.Output;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Fixups;

namespace NativeSync.Cli.Fixup;

/// <summary>`nativesync fixup`: makes a copied system boot, on any mounted root. The migration runs it in the rescue system.</summary>
internal static class FixupCommand
{
    private const int Failed = 1;
    private const int Usage = 2;

    /// <summary>Runs it.</summary>
    /// <returns>0 done, 1 a step failed without which the system does not boot, 2 wrong usage.</returns>
    public static int Run(string[] args, Streams streams)
    {
        if (FixupArguments.Parse(args, out string error) is not { } options)
        {
            return Complain(streams, error, Usage);
        }

        if (options.Help)
        {
            streams.Write(HelpText);
            return 0;
        }

        if (FixupList.Unknown(options.Skip.Concat(options.Only)) is { } unknown)
        {
            return Complain(streams, $"there is no step \"{Options.UsageException.Quote(unknown)}\"; nativesync fixup --list names them", Usage);
        }

        if (options.List)
        {
            foreach (IFixup step in FixupList.All)
            {
                streams.Write($"{step.Name,-16} {step.Purpose}\n");
            }

            return 0;
        }

        string root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Root!));
        if (!options.DryRun && root == "/")
        {
            return Complain(streams, "--root=/ is the running system: it can only be looked at, with --dry-run", Usage);
        }

        try
        {
            return Run(options, root, streams);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Complain(streams, e.Message, Failed);
        }
        catch (ConfigException e)
        {
            return Complain(streams, e.Message, Usage);
        }
    }

    private static int Run(FixupArguments options, string root, Streams streams)
    {
        FixupFacts facts = options.FactsFile is { } file ? FixupFacts.Parse(file, Read(file)) : new();
        if (FixupList.Unknown(facts.Skip.Concat(facts.Only)) is { } unknown)
        {
            return Complain(streams, $"{options.FactsFile}: there is no step \"{Options.UsageException.Quote(unknown)}\"; nativesync fixup --list names them", Usage);
        }

        facts.Skip.AddRange(options.Skip);
        facts.Only.AddRange(options.Only);
        FactsFinder.Complete(facts, root);
        bool dry = options.DryRun || (facts.OnlyOnDisk && (facts.At("/")?.Device is null || !Environment.IsPrivilegedProcess));
        if (!dry && !Environment.IsPrivilegedProcess)
        {
            return Complain(streams, "only root can change a system; run it as root, or add --dry-run to see what would be done", Failed);
        }

        using LinuxRootTree tree = new(root);
        if (!facts.OnlyOnDisk && tree.Kind("etc") == RootEntryKind.None)
        {
            return Complain(streams, $"--root={Options.UsageException.Quote(root)} holds no system, since it has no /etc; mount the system there, or name the directory where it is mounted", Failed);
        }

        using ChrootShell? shell = dry ? null : new ChrootShell(root, tree);
        bool good = new FixupRunner(tree, facts, shell).Run(FixupList.All, record => streams.Write(options.Json
            ? FixupRecordJson.Line(record) + "\n"
            : FixupText.Of(record)));
        return good ? 0 : Failed;
    }

    private static byte[] Read(string file)
    {
        try
        {
            return File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"--facts={Options.UsageException.Quote(file)} cannot be read ({e.Message.TrimEnd('.')}); docs/boot.md tells what is in it, and without it the machine is asked");
        }
    }

    private static int Complain(Streams streams, string message, int code)
    {
        streams.WriteErrorLine("nativesync: " + message);
        return code;
    }

    internal const string HelpText = """
        nativesync fixup --root DIR [--dry-run] [--json] [--facts FILE] [--skip NAMES] [--only NAMES]

        Makes a copied system, mounted at DIR, boot on a Tencent Cloud CVM: fstab, boot menu, initramfs, boot loader, network,
        and what else docs/boot.md names. The migration does this by itself; here it can be looked at, and done by hand.

          --root DIR     where the system is mounted, with the rest of its file systems mounted inside
          --dry-run, -n  show what would be changed and run, and change nothing
          --json         one JSON object a line, for each step
          --facts FILE   what the machine does not tell: the destination's file systems and disk (docs/boot.md)
          --skip NAMES   leave these steps out (with commas between them)
          --only NAMES   take these steps only
          --list         the names of the steps

        What is changed is kept in /var/lib/nativesync/backup of the system. Exit code 1: a step failed without which it will
        not boot.

        """;
}
