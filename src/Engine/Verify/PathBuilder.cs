namespace NativeSync.Engine.Verify;

/// <summary>A path below the root that grows and shrinks by one component at a time. No length limit but memory.</summary>
internal sealed class PathBuilder
{
    private byte[] _bytes = new byte[512];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    /// <summary>Appends a component and returns the length from before, for <see cref="Truncate"/>.</summary>
    public int Push(ReadOnlySpan<byte> name)
    {
        int before = Length;
        int need = before + 1 + name.Length;
        if (need > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(need, _bytes.Length * 2));
        }

        if (before > 0)
        {
            _bytes[Length++] = (byte)'/';
        }

        name.CopyTo(_bytes.AsSpan(Length));
        Length += name.Length;
        return before;
    }

    public void Truncate(int length) => Length = length;

    public byte[] ToArray() => Span.ToArray();

    public void Assign(ReadOnlySpan<byte> path)
    {
        Length = 0;
        Push(path);
    }
}
