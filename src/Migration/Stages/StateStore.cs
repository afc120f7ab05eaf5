using System.Text.Json;
using NativeSync.Migration.Configuration;

namespace NativeSync.Migration.Stages;

/// <summary>
/// Keeps the state in <c>.nativesync/state.json</c> of the tool directory: mode 0600, replaced as a whole, so that a
/// run killed at any moment leaves the last complete record.
/// </summary>
public sealed class StateStore : IDisposable
{
    private readonly string _directory;
    private readonly FileStream _lock;

    private StateStore(string directory, FileStream @lock)
    {
        _directory = directory;
        _lock = @lock;
    }

    /// <summary>Called after each record, for tests that end a run there.</summary>
    internal Action<MigrationState>? Saved { get; set; }

    /// <summary>Whether each record is on the disk before the next step; tests that kill a run and not the machine go without.</summary>
    internal bool Durable { get; set; } = true;

    private string StateFile => Path.Combine(_directory, "state.json");

    /// <summary>Opens the state's directory and keeps other runs out.</summary>
    /// <exception cref="MigrationException">Another run is under way, or the directory cannot be written.</exception>
    public static StateStore Open(ToolDirectory tool)
    {
        const UnixFileMode ownerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        string directory = tool.StateDirectory;
        try
        {
            if (OperatingSystem.IsLinux())
            {
                Directory.CreateDirectory(directory, ownerOnly | UnixFileMode.UserExecute);
                File.SetUnixFileMode(directory, ownerOnly | UnixFileMode.UserExecute);
            }
            else
            {
                Directory.CreateDirectory(directory);
            }

            FileStream held = new(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return new StateStore(directory, held);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new MigrationException($"{directory} cannot be written", "run the tool as root", e);
        }
        catch (IOException e) when (File.Exists(Path.Combine(directory, "lock")))
        {
            throw new MigrationException($"another run of the tool is using {directory}", "wait until it has ended", e);
        }
        catch (IOException e)
        {
            throw new MigrationException($"{directory} cannot be written", "check that its file system has room and is not read-only", e);
        }
    }

    /// <summary>The state as it was left; null when there is none.</summary>
    /// <exception cref="MigrationException">It is damaged, or another version's.</exception>
    public MigrationState? Load()
    {
        MigrationState? state;
        try
        {
            state = JsonSerializer.Deserialize(File.ReadAllBytes(StateFile), StateJson.Default.MigrationState);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new MigrationException($"{StateFile} is damaged", "copy the whole tool directory again, or run the tool with --clean to begin anew", e);
        }

        if (state is null || state.Version != MigrationState.CurrentVersion)
        {
            throw new MigrationException($"{StateFile} was written by another version of the tool ({state?.Version}, this one writes {MigrationState.CurrentVersion})", "go on with that version, or run this one with --clean to begin anew");
        }

        return state;
    }

    /// <summary>Replaces the state.</summary>
    public void Save(MigrationState state)
    {
        string next = StateFile + ".new";
        FileStreamOptions options = new() { Mode = FileMode.Create, Access = FileAccess.Write };
        if (OperatingSystem.IsLinux())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            using (FileStream file = new(next, options))
            {
                JsonSerializer.Serialize(file, state, StateJson.Default.MigrationState);
                file.Flush(flushToDisk: Durable);
            }

            File.Move(next, StateFile, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MigrationException($"{StateFile} cannot be written", "check that its file system has room; nothing was done that is not recorded", e);
        }

        Saved?.Invoke(state);
    }

    /// <summary>Forgets everything.</summary>
    public void Delete()
    {
        File.Delete(StateFile + ".new");
        File.Delete(StateFile);
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();
}
