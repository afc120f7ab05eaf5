namespace NativeSync.Migration.Fixups;

/// <summary>
/// One named step of what makes a copied system boot on a CVM. It reads the root through the context, and says there what is
/// to be changed and run; it changes nothing itself, so that the same code serves --dry-run, the tests and the real thing.
/// </summary>
internal interface IFixup
{
    /// <summary>Name, as Client.Fixups.Skip and Only have it; never changed once released.</summary>
    string Name { get; }

    /// <summary>What it is for, in a few words.</summary>
    string Purpose { get; }

    /// <summary>Plans its changes and commands. A second time, after they were carried out, it must find nothing to change.</summary>
    void Plan(FixupContext context);
}

/// <summary>A command of a step.</summary>
/// <param name="Script">For /bin/sh.</param>
/// <param name="Reason">What it is for, as the report shows it.</param>
internal sealed class RootCommand(string script, string reason)
{
    public string Script => script;

    public string Reason => reason;

    /// <summary>Runs in the rescue system, where the root is the directory "$ROOT", and not inside the root.</summary>
    public bool Outside { get; init; }

    /// <summary>What to try when it fails; it may plan further changes and commands. Null: the failure stands.</summary>
    public Action<FixupContext>? Otherwise { get; init; }

    /// <summary>Looks afterwards whether it did what it should; a complaint counts as failure. Null: its exit code is all that counts.</summary>
    public Func<IRootTree, string?>? Judge { get; init; }

    /// <summary>Without it the system will not boot: its failure ends the fix-ups.</summary>
    public bool Vital { get; init; }
}
