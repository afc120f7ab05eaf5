using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Options;

/// <summary>The options about what is sent: how deep, from which names, under which.</summary>
internal sealed class SelectionOptions(FilterArguments filters)
{
    private bool? _recursive = false, _dirs, _relative;
    private bool _noImpliedDirs, _listOnly, _copyDevices;
    private SourceOptions _missing;

    /// <summary>The list of <c>--files-from</c>; null for none.</summary>
    public byte[]? FilesFrom { get; private set; }

    /// <summary><c>--munge-links</c>.</summary>
    public bool MungeLinks { get; private set; }

    /// <summary><c>--drop-D</c>.</summary>
    public bool DropDevices { get; private set; }

    /// <summary>What the source is told; after <see cref="Build"/>.</summary>
    public SourceOptions Source { get; private set; }

    /// <summary>Takes an option; false when it is about something else.</summary>
    public bool Apply(GivenOption given)
    {
        bool on = !given.Negated;
        switch (given.Option.Id)
        {
            // With a list of names -a does not descend, but -r does.
            case OptionId.Archive: _recursive = _recursive == true ? true : null; return false;
            case OptionId.Recursive: _recursive = on; break;
            case OptionId.Relative: _relative = on; break;
            case OptionId.ImpliedDirs: _noImpliedDirs = !on; break;
            case OptionId.Dirs: _dirs = on; break;
            case OptionId.OldDirs: _dirs = _recursive = true; filters.HideBelow(); break;
            case OptionId.FilesFrom: FilesFrom = given.Value; break;
            case OptionId.IgnoreMissing: _missing = SourceOptions.IgnoreMissing; break;
            case OptionId.DeleteMissing: _missing = SourceOptions.DeleteMissing; break;
            case OptionId.ListOnly: _listOnly = true; break;
            case OptionId.MungeLinks: MungeLinks = on; break;
            case OptionId.CopyDevices: _copyDevices = true; break;
            case OptionId.DropDevices: DropDevices = on; break;
            default: return false;
        }

        return true;
    }

    /// <summary>A list of names and a listing change what is taken for granted, wherever they stand.</summary>
    /// <param name="flags">Gets what it means for the job.</param>
    /// <param name="isSourceAlone">The only operand is a source: list it.</param>
    public void Build(ref JobFlags flags, bool isSourceAlone)
    {
        _listOnly |= isSourceAlone;
        bool isRecursive = _recursive ?? FilesFrom is null;
        bool isDirs = !isRecursive && (_dirs ?? (FilesFrom is not null || _listOnly));
        flags |= (_listOnly ? JobFlags.ListOnly : 0) | (isRecursive ? JobFlags.Recursive : 0) | (isDirs ? JobFlags.Dirs : 0)
            | ((flags & JobFlags.WriteDevices) != 0 ? JobFlags.InPlace : 0);
        flags &= ~((_listOnly ? 0 : JobFlags.ListOnly) | (isRecursive ? 0 : JobFlags.Recursive) | (isDirs ? 0 : JobFlags.Dirs));
        bool relative = _relative ?? FilesFrom is not null;
        Source = _missing
            | (relative ? SourceOptions.Relative : 0)
            | (relative && _noImpliedDirs ? SourceOptions.NoImpliedDirs : 0)
            | (_copyDevices ? SourceOptions.CopyDevices : 0)
            | (filters.NulSeparated && FilesFrom is not null ? SourceOptions.From0 : 0);
    }
}
