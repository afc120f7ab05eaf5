namespace NativeSync.Engine.Filters;

/// <summary>What a rule says beside its pattern. The last five are for merge and dir-merge rules alone.</summary>
[Flags]
internal enum RuleFlags : ushort
{
    None = 0,

    /// <summary>Includes (shows, puts at risk); without it the rule excludes (hides, protects).</summary>
    Include = 1,

    /// <summary>Limited to the sending side. With neither side flag the rule works on both.</summary>
    SenderSide = 2,

    /// <summary>Limited to the receiving side.</summary>
    ReceiverSide = 4,

    /// <summary>Takes effect where the pattern does not match.</summary>
    Negate = 8,

    /// <summary>Ignored inside directories that are being deleted.</summary>
    Perishable = 0x10,

    /// <summary>Matched against the absolute path.</summary>
    AbsolutePath = 0x20,

    /// <summary>Matched against names of extended attributes, and never against those of files.</summary>
    XattrName = 0x40,

    /// <summary>The file holds patterns alone; <see cref="Include"/> says of which kind.</summary>
    NoPrefixes = 0x80,

    /// <summary>The file is split at white space rather than at line ends, and has no comments.</summary>
    Words = 0x100,

    /// <summary>The rules of a directory's file do not hold in directories below it.</summary>
    NoInherit = 0x200,

    /// <summary>The rule file itself is excluded.</summary>
    ExcludeSelf = 0x400,

    /// <summary>Read as CVS reads its ignore files: <see cref="NoPrefixes"/>, <see cref="Words"/>, <see cref="NoInherit"/>, and a lone <c>!</c> clears.</summary>
    Cvs = 0x800,

    /// <summary>Both side flags.</summary>
    Sides = SenderSide | ReceiverSide,

    /// <summary>What rules take over from the merge rule whose file they stand in. As in rsync, <see cref="XattrName"/> is not among it.</summary>
    Inherited = Sides | Negate | Perishable | AbsolutePath,
}
