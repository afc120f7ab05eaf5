using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Batch;

/// <summary>--only-write-batch at the end that records: contents need not travel to a receiver that drops them.</summary>
internal static class RecordedContents
{
    /// <summary>A Whole of more data is longer than what takes its place.</summary>
    private const int Short = 64;

    /// <summary>Puts holes of their length in the place of contents, so that the receiver counts what the batch holds.</summary>
    /// <param name="pack">Has been recorded and not yet been encoded; it becomes shorter.</param>
    public static void Strip(OutboundPack pack)
    {
        var records = new RecordReader(pack.Records, RecordSide.Sender);
        var end = pack.Start;
        for (var start = end; records.TryNext(out var type); start = pack.Start + records.Wire.Position)
        {
            // What is written never reaches what is still to be read: it is shorter.
            var writer = new WireWriter(pack.Buffer.AsSpan(end));
            if (type == RecordType.Literal)
            {
                Records.WriteHole(ref writer, Records.ReadLiteral(ref records.Wire).Data.Length);
            }
            else if (type == RecordType.Whole && Records.ReadWhole(ref records.Wire) is { Data.Length: > Short and var length } whole)
            {
                Records.WriteFileBegin(ref writer, whole.Directory, whole.Index, length, basisLength: 0);
                Records.WriteHole(ref writer, length);
                Records.WriteFileEnd(ref writer, whole.Flags, errno: 0, whole.Digest);
            }
            else
            {
                if (type != RecordType.Whole)
                {
                    records.Skip(type);
                }

                var record = pack.Buffer.AsSpan(start..(pack.Start + records.Wire.Position));
                record.CopyTo(pack.Buffer.AsSpan(end));
                end += record.Length;
                continue;
            }

            end += writer.Position;
        }

        pack.Shorten(end);
    }
}
