using System.Text;

namespace NativeSync.Transport;

/// <summary>The last <see cref="Capacity"/> bytes of what a remote command wrote to its standard error.</summary>
internal sealed class DiagnosticTail
{
    public const int Capacity = 16 * 1024;

    private readonly Lock _gate = new();
    private readonly byte[] _ring = new byte[Capacity];
    private long _total;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            if (bytes.Length > Capacity)
            {
                _total += bytes.Length - Capacity;
                bytes = bytes[^Capacity..];
            }

            int at = (int)(_total % Capacity);
            int first = Math.Min(bytes.Length, Capacity - at);
            bytes[..first].CopyTo(_ring.AsSpan(at));
            bytes[first..].CopyTo(_ring);
            _total += bytes.Length;
        }
    }

    /// <summary>The raw text as far as it is kept.</summary>
    public string Raw()
    {
        lock (_gate)
        {
            if (_total <= Capacity)
            {
                return Encoding.UTF8.GetString(_ring, 0, (int)_total);
            }

            int at = (int)(_total % Capacity);
            byte[] all = [.. _ring.AsSpan(at), .. _ring.AsSpan(0, at)];
            return Encoding.UTF8.GetString(all);
        }
    }

    /// <summary>The text made safe for a terminal, lines kept apart by line feeds; null when there is none.</summary>
    public string? Text()
    {
        string text = Printable.Lines(Raw()).Trim('\n');
        return text.Length == 0 ? null : text;
    }
}
