using System.Text;
using Renci.SshNet;
using Renci.SshNet.Common;

namespace NativeSync.Transport;

/// <summary>
/// The session that logs in, which SSH.NET shows to its methods alone. A server may want none of them but one, so each tells of it.
/// </summary>
internal sealed class LoginSession(bool primesWindow)
{
    /// <summary>Null before the first method was tried.</summary>
    public Session? Session { get; private set; }

    /// <summary>Who fills the round trips of the login; null where nobody does.</summary>
    public WindowPrimer? Primer { get; private set; }

    /// <summary>A method is tried on it: there may be several.</summary>
    public void See(Session session)
    {
        if (Session is null)
        {
            Session = session;
            Primer = primesWindow ? WindowPrimer.Start(session) : null;
        }
    }
}

/// <summary>
/// Offers keys one by one. A key that can sign quietly signs at once, which saves the round trip of asking whether the
/// server would take it; others (a passphrase, an agent that may want a confirmation) are asked about first when there are several.
/// </summary>
internal sealed class KeyLogin(string user, LoginKeys keys, LoginSession login) : AuthenticationMethod(user)
{
    public override string Name => "publickey";

    public override AuthenticationResult Authenticate(Session session)
    {
        login.See(session);
        string version = session.ServerVersion ?? "";
        var pending = new Queue<LoginKey>(keys.Collect());
        while (pending.Count > 0)
        {
            List<LoginSigner> group = NextGroup(pending, version);
            while (group.Count > 0)
            {
                try
                {
                    using var method = new PrivateKeyAuthenticationMethod(Username, [.. group]);
                    AuthenticationResult result = method.Authenticate(session);
                    AllowedAuthentications = method.AllowedAuthentications;
                    if (result != AuthenticationResult.Failure)
                    {
                        return result;
                    }

                    foreach (LoginSigner refused in group)
                    {
                        keys.Note($"{refused.Key.Label} was refused");
                    }

                    break;
                }
                catch (KeyUnusableException e)
                {
                    // The server would have taken it; we cannot sign. On with the ones after it.
                    keys.Note($"{e.Key.Label}: {e.Message}");
                    group.RemoveRange(0, group.FindIndex(s => s.Key == e.Key) + 1);
                }
            }
        }

        return AuthenticationResult.Failure;
    }

    private static List<LoginSigner> NextGroup(Queue<LoginKey> pending, string serverVersion)
    {
        var group = new List<LoginSigner>();
        while (pending.TryPeek(out LoginKey? key))
        {
            if (key.Quiet && group.Count > 0)
            {
                break;
            }

            pending.Dequeue();
            if ((key.Key ?? key.Open()) is { } offered)
            {
                group.Add(key.SignerFor(offered, serverVersion));
            }

            if (key.Quiet)
            {
                break;
            }
        }

        return group;
    }
}

/// <summary>Asks for a password only when the server has refused everything before it.</summary>
internal sealed class PasswordLogin(string user, LoginSession login, string prompt, int maxPrompts, Func<string, string?> provider) : AuthenticationMethod(user)
{
    public override string Name => "password";

    public override AuthenticationResult Authenticate(Session session)
    {
        login.See(session);
        string? last = null;
        for (int attempt = 0; attempt < maxPrompts; attempt++)
        {
            string? password = provider(prompt);
            if (password is null || password == last)
            {
                break;
            }

            last = password;
            using var method = new PasswordAuthenticationMethod(Username, Encoding.UTF8.GetBytes(password));
            method.PasswordExpired += static (_, _) => throw new SshAuthenticationException("the password has expired: log in by hand and change it");
            AuthenticationResult result = method.Authenticate(session);
            AllowedAuthentications = method.AllowedAuthentications;
            if (result != AuthenticationResult.Failure)
            {
                return result;
            }
        }

        return AuthenticationResult.Failure;
    }
}

/// <summary>Passes the server's questions on.</summary>
internal sealed class InteractiveLogin(string user, LoginSession login, int maxPrompts, Func<string, bool, string?> provider) : AuthenticationMethod(user)
{
    public override string Name => "keyboard-interactive";

    public override AuthenticationResult Authenticate(Session session)
    {
        login.See(session);
        string? last = null;
        for (int attempt = 0; attempt < maxPrompts; attempt++)
        {
            bool gaveUp = false;
            var answers = new StringBuilder();
            using var method = new KeyboardInteractiveAuthenticationMethod(Username);
            method.AuthenticationPrompt += (_, e) =>
            {
                foreach (AuthenticationPrompt prompt in e.Prompts)
                {
                    string? answer = gaveUp ? null : provider(Printable.Line(prompt.Request), prompt.IsEchoed);
                    gaveUp |= answer is null;
                    answers.Append(answer).Append('\n');
                    prompt.Response = answer ?? "";
                }
            };
            AuthenticationResult result = method.Authenticate(session);
            AllowedAuthentications = method.AllowedAuthentications;
            string given = answers.ToString();
            if (result != AuthenticationResult.Failure || gaveUp || given == last)
            {
                return result;
            }

            last = given;
        }

        return AuthenticationResult.Failure;
    }
}
