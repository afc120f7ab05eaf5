using System.Runtime.InteropServices;

namespace NativeSync.Cli.Startup;

/// <summary>
/// Makes the OpenSSL inside a static executable behave alike on every distribution. It was built for Debian, so it
/// would look for certificate authorities below /usr/lib/ssl only, and there it would also obey an openssl.cnf which
/// may name provider modules that cannot be loaded into a static process.
/// </summary>
internal static partial class OpenSslEnvironment
{
    /// <summary>
    /// Points OpenSSL to the host's certificate authorities and away from the host's configuration, unless the user's
    /// environment already says otherwise. Call before anything uses TLS; does nothing outside the static build.
    /// </summary>
    public static void UseHostCertificates()
    {
#if STATIC_EXECUTABLE
        // The managed copy of the environment is what child processes inherit: take it before we add our own values.
        Environment.GetEnvironmentVariables();

        // Where distributions keep all authorities in one file: Debian and Alpine; Red Hat and CentOS, old and new; SUSE; others.
        SetFirstFound("SSL_CERT_FILE"u8, directory: false,
        [
            "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
            "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/cacert.pem", "/etc/ssl/cert.pem",
        ]);
        SetFirstFound("SSL_CERT_DIR"u8, directory: true, ["/etc/ssl/certs", "/etc/pki/tls/certs"]);
        Set("OPENSSL_CONF"u8, "/dev/null");
#endif
    }

#if STATIC_EXECUTABLE
    private static void SetFirstFound(ReadOnlySpan<byte> name, bool directory, ReadOnlySpan<string> candidates)
    {
        foreach (string candidate in candidates)
        {
            if (directory ? Directory.Exists(candidate) : File.Exists(candidate))
            {
                Set(name, candidate);
                return;
            }
        }
    }

    private static unsafe void Set(ReadOnlySpan<byte> name, string value)
    {
        fixed (byte* key = name)
        {
            // No overwriting: what the user set wins. It fails for want of memory only, and OpenSSL's own default is then in force.
            _ = SetEnvironment(key, value, overwrite: 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int SetEnvironment(byte* name, string value, int overwrite);
#endif
}
