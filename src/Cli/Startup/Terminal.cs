using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace NativeSync.Cli.Startup;

/// <summary>The person in front of the program: questions on /dev/tty, and the width of the terminal.</summary>
internal static partial class Terminal
{
    private const int StandardError = 2;
    private const int DefaultWidth = 80;
    private const int Echo = 0x8;
    private const int EchoNewLine = 0x40;
    private const nuint GetWindowSize = 0x5413;

    // struct termios of glibc is 60 bytes; c_lflag is its fourth word.
    private const int TermiosSize = 64;
    private const int LocalFlags = 3;

    /// <summary>Whether standard error goes to a terminal.</summary>
    public static bool HasErrorTerminal => IsTerminal(StandardError) != 0;

    /// <summary>Columns of the terminal that standard error goes to, or null when it goes elsewhere.</summary>
    public static unsafe int? ErrorWidth
    {
        get
        {
            if (!HasErrorTerminal)
            {
                return null;
            }

            ushort* size = stackalloc ushort[4];
            return Control(StandardError, GetWindowSize, size) == 0 && size[1] > 0 ? size[1] : DefaultWidth;
        }
    }

    /// <summary>Asks on /dev/tty, without showing the answer unless <paramref name="shown"/>.</summary>
    /// <returns>Null when there is no terminal, or the input ends.</returns>
    public static string? Ask(string prompt, bool shown, Interruption interruption)
    {
        SafeFileHandle tty;
        try
        {
            tty = File.OpenHandle("/dev/tty", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        using (tty)
        {
            using FileStream stream = new(tty, FileAccess.ReadWrite, bufferSize: 0);
            stream.Write(Encoding.UTF8.GetBytes(prompt));
            using Silence? silence = shown ? null : Silence.Begin((int)tty.DangerousGetHandle());
            interruption.BeforeAbruptEnd = silence is null ? null : silence.Dispose;
            interruption.Asking = true;
            try
            {
                return ReadLine(stream);
            }
            finally
            {
                interruption.Asking = false;
                interruption.BeforeAbruptEnd = null;
                if (!shown)
                {
                    stream.Write("\n"u8);
                }
            }
        }
    }

    private static string? ReadLine(FileStream stream)
    {
        List<byte> line = [];
        Span<byte> one = stackalloc byte[1];
        while (stream.Read(one) == 1)
        {
            if (one[0] == '\n')
            {
                return Encoding.UTF8.GetString(line.ToArray());
            }

            line.Add(one[0]);
        }

        return line.Count > 0 ? Encoding.UTF8.GetString(line.ToArray()) : null;
    }

    /// <summary>Keeps a terminal from showing what is typed, until disposed.</summary>
    private sealed unsafe class Silence : IDisposable
    {
        private const int AfterOutput = 1;

        private readonly int _fd;
        private readonly uint[] _before;

        private Silence(int fd, uint[] before)
        {
            _fd = fd;
            _before = before;
        }

        public static Silence? Begin(int fd)
        {
            uint[] settings = new uint[TermiosSize / sizeof(uint)];
            fixed (uint* pointer = settings)
            {
                if (GetAttributes(fd, pointer) != 0)
                {
                    return null;
                }
            }

            Silence silence = new(fd, (uint[])settings.Clone());
            settings[LocalFlags] &= ~(uint)(Echo | EchoNewLine);
            Set(fd, settings);
            return silence;
        }

        public void Dispose() => Set(_fd, _before);

        private static void Set(int fd, uint[] settings)
        {
            fixed (uint* pointer = settings)
            {
                _ = SetAttributes(fd, AfterOutput, pointer);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "isatty")]
    private static partial int IsTerminal(int fd);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static unsafe partial int Control(int fd, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static unsafe partial int GetAttributes(int fd, uint* settings);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static unsafe partial int SetAttributes(int fd, int when, uint* settings);
}
