namespace NativeSync.Migration.Source;

/// <summary>Which machines a system's programs are for, by the head of one of them (ELF: e_ident[EI_CLASS], e_machine).</summary>
internal static class ProgramKind
{
    private const int Class32 = 1, MachineX64 = 62, MachineX86 = 3, MachineArm = 40, MachineArm64 = 183;

    private static readonly string[] Candidates = ["bin/sh", "bin/bash", "usr/bin/env", "sbin/init", "bin/busybox"];

    /// <summary>Null for 64-bit x86, or when no program can be read; else what they are.</summary>
    public static string? Foreign(string root)
    {
        Span<byte> head = stackalloc byte[20];
        foreach (string candidate in Candidates)
        {
            try
            {
                using FileStream file = new(Path.Join(root, candidate), FileMode.Open, FileAccess.Read);
                if (file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length && head.StartsWith("\u007fELF"u8))
                {
                    return Describe(head[4], head[18] | (head[19] << 8));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The next one, then.
            }
        }

        return null;
    }

    private static string? Describe(int bits, int machine) => machine switch
    {
        MachineX64 when bits != Class32 => null,
        MachineX64 or MachineX86 => "32-bit x86",
        MachineArm or MachineArm64 => "ARM",
        _ => $"another processor (ELF machine {machine})",
    };
}
