namespace NativeSync.Engine.Filters;

/// <summary>What <c>-C</c> excludes: CVS's own list, <c>$HOME/.cvsignore</c> and <c>$CVSIGNORE</c>.</summary>
internal static class CvsRules
{
    /// <summary>Perishable: what CVS ignores by itself does not keep a directory from being deleted.</summary>
    public static ReadOnlySpan<byte> Defaults =>
        "RCS SCCS CVS CVS.adm RCSLOG cvslog.* tags TAGS .make.state .nse_depinfo *~ #* .#* ,* _$* *$ *.old *.bak *.BAK *.orig *.rej .del-* "u8
        + "*.a *.olb *.o *.obj *.so *.exe *.Z *.elc *.ln core .svn/ .git/ .hg/ .bzr/"u8;

    /// <summary>The names of the environment's parts of the list.</summary>
    public const string HomeVariable = "HOME", IgnoreVariable = "CVSIGNORE";
}
