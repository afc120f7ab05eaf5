using System.Globalization;
using System.Text;
using NativeSync.Protocol;

namespace NativeSync.Fuzz;

/// <summary>
/// Decodes every record of a pack, encodes it again and says what it was. The encoder must stay within the bound that it promises.
/// </summary>
internal sealed class RecordMirror
{
    private byte[] _output = new byte[4096];
    private int _length;
    private EntryDecoder _decoder;
    private EntryEncoder _encoder;
    private Fingerprint _fingerprint;

    /// <summary>The records, encoded again.</summary>
    internal ReadOnlySpan<byte> Output => _output.AsSpan(0, _length);

    /// <summary>The types and sizes that came, as a fingerprint of the path taken.</summary>
    internal int Fingerprint => _fingerprint.Value;

    internal void Run(ReadOnlySpan<byte> pack, StringBuilder? text, RecordSide from = RecordSide.Both)
    {
        _length = 0;
        _fingerprint = default;
        var reader = new RecordReader(pack, from);
        while (reader.TryNext(out RecordType type))
        {
            int before = _length;
            Mirror(ref reader.Wire, type, text);
            _fingerprint.Step((byte)type, _length - before);
        }
    }

    private WireWriter Room(int bound)
    {
        if (_output.Length - _length < bound)
        {
            Array.Resize(ref _output, Math.Max(_output.Length * 2, _length + bound));
        }

        return new WireWriter(_output.AsSpan(_length, bound));
    }

    private static void Say(StringBuilder? text, string what) => text?.Append(text.Length > 0 ? "; " : "").Append(what);

    private void Mirror(ref WireReader wire, RecordType type, StringBuilder? text)
    {
        WireWriter w;
        switch (type)
        {
            case RecordType.Root:
                RootRecord root = Records.ReadRoot(ref wire);
                Entry attributes = root.Attributes;
                w = Room(Records.RootBound(attributes));
                Records.WriteRoot(ref w, root.Flags, attributes);
                Say(text, text is null ? "" : $"Root flags {root.Flags}" + ((root.Flags & RootFlags.Attributes) != 0 ? $", {WireText.Entry(attributes)}" : ""));
                break;
            case RecordType.Probe:
                ProbeRecord probe = Records.ReadProbe(ref wire);
                w = Room(Records.ProbeBound);
                Records.WriteProbe(ref w, probe.Directory, probe.Parent, probe.Name, probe.Digest);
                Say(text, text is null ? "" : $"Probe directory {probe.Directory} in {probe.Parent} {WireText.Bytes(probe.Name)} digest {WireText.Digest(probe.Digest)}");
                break;
            case RecordType.Close:
                CloseRecord close = Records.ReadClose(ref wire);
                w = Room(Records.CloseBound);
                Records.WriteClose(ref w, close.Directory);
                Say(text, text is null ? "" : $"Close directory {close.Directory}");
                break;
            case RecordType.Entries:
                MirrorEntries(ref wire, text);
                return;
            case RecordType.Whole:
                WholeRecord whole = Records.ReadWhole(ref wire);
                w = Room(Records.WholeBound(whole.Data.Length));
                Records.WriteWhole(ref w, whole.Directory, whole.Index, whole.Flags, whole.Data, whole.Digest);
                Say(text, text is null ? "" : $"Whole directory {whole.Directory} index {whole.Index} flags {whole.Flags} data {WireText.Bytes(whole.Data)} digest {WireText.Digest(whole.Digest)}");
                break;
            case RecordType.FileBegin:
                FileBeginRecord begin = Records.ReadFileBegin(ref wire);
                w = Room(Records.FileBeginBound);
                Records.WriteFileBegin(ref w, begin.Directory, begin.Index, begin.Size, begin.BasisLength);
                Say(text, text is null ? "" : $"FileBegin directory {begin.Directory} index {begin.Index} size {begin.Size} basis {begin.BasisLength}");
                break;
            case RecordType.Literal:
                LiteralRecord literal = Records.ReadLiteral(ref wire);
                w = Room(Records.LiteralBound(literal.Data.Length));
                Records.WriteLiteral(ref w, literal.Data);
                Say(text, text is null ? "" : $"Literal {WireText.Bytes(literal.Data)}");
                break;
            case RecordType.Copy:
                CopyRecord copy = Records.ReadCopy(ref wire);
                w = Room(Records.CopyBound);
                Records.WriteCopy(ref w, copy.Offset, copy.Length);
                Say(text, text is null ? "" : $"Copy offset {copy.Offset} length {copy.Length}");
                break;
            case RecordType.Hole:
                HoleRecord hole = Records.ReadHole(ref wire);
                w = Room(Records.HoleBound);
                Records.WriteHole(ref w, hole.Length);
                Say(text, text is null ? "" : $"Hole length {hole.Length}");
                break;
            case RecordType.FileEnd:
                FileEndRecord end = Records.ReadFileEnd(ref wire);
                w = Room(Records.FileEndBound);
                Records.WriteFileEnd(ref w, end.Flags, end.Errno, end.Digest);
                Say(text, text is null ? "" : $"FileEnd flags {end.Flags} errno {end.Errno} digest {WireText.Digest(end.Digest)}");
                break;
            case RecordType.FileFailed:
                FileFailedRecord failed = Records.ReadFileFailed(ref wire);
                w = Room(Records.FileFailedBound);
                Records.WriteFileFailed(ref w, failed.Directory, failed.Index, failed.Errno);
                Say(text, text is null ? "" : $"FileFailed directory {failed.Directory} index {failed.Index} errno {failed.Errno}");
                break;
            case RecordType.Problem or RecordType.ReceiverProblem:
                ProblemRecord problem = Records.ReadProblem(ref wire);
                w = Room(Records.ProblemBound(problem.Path.Length));
                Records.WriteProblem(ref w, type, problem.Errno, problem.Operation, problem.Flags, problem.Path, problem.Detail);
                Say(text, text is null ? "" : $"{type} errno {problem.Errno} operation {problem.Operation} flags {problem.Flags} path {WireText.Bytes(problem.Path)} detail {WireText.Bytes(problem.Detail)}");
                break;
            case RecordType.EndOfTree:
                Statistics totals = Records.ReadEndOfTree(ref wire);
                w = Room(Records.EndOfTreeBound);
                Records.WriteEndOfTree(ref w, totals);
                Say(text, text is null ? "" : $"EndOfTree {WireText.Statistics(totals)}");
                break;
            case RecordType.Identity:
                IdentityRecord identity = Records.ReadIdentity(ref wire);
                w = Room(Records.IdentityBound);
                Records.WriteIdentity(ref w, identity.Kind, identity.Number, identity.Name);
                Say(text, text is null ? "" : $"Identity {identity.Kind} {identity.Number} {WireText.Bytes(identity.Name)}");
                break;
            case RecordType.Same:
                SameRecord same = Records.ReadSame(ref wire);
                w = Room(Records.SameBound);
                Records.WriteSame(ref w, same.Directory, same.Index);
                Say(text, text is null ? "" : $"Same directory {same.Directory} index {same.Index}");
                break;
            case RecordType.Different:
                DifferentRecord different = Records.ReadDifferent(ref wire);
                w = Room(Records.DifferentBound);
                Records.WriteDifferent(ref w, different.Directory, different.Index);
                Say(text, text is null ? "" : $"Different directory {different.Directory} index {different.Index}");
                break;
            case RecordType.TreeDigest:
                TreeDigestRecord tree = Records.ReadTreeDigest(ref wire);
                w = Room(Records.TreeDigestBound);
                Records.WriteTreeDigest(ref w, tree.Digest);
                Say(text, text is null ? "" : $"TreeDigest {WireText.Digest(tree.Digest)}");
                break;
            case RecordType.NoDelta:
                NoDeltaRecord none = Records.ReadNoDelta(ref wire);
                w = Room(Records.NoDeltaBound);
                Records.WriteNoDelta(ref w, none.Directory, none.Index);
                Say(text, text is null ? "" : $"NoDelta directory {none.Directory} index {none.Index}");
                break;
            case RecordType.Answer:
                AnswerRecord answer = Records.ReadAnswer(ref wire);
                w = Room(Records.AnswerBound);
                Records.WriteAnswer(ref w, answer.Directory, answer.Verdict);
                Say(text, text is null ? "" : $"Answer directory {answer.Directory} verdict {answer.Verdict}");
                break;
            case RecordType.Want:
                WantRecord want = Records.ReadWant(ref wire);
                w = Room(Records.WantBound);
                Records.WriteWant(ref w, want.Directory, want.Index);
                Say(text, text is null ? "" : $"Want directory {want.Directory} index {want.Index}");
                break;
            case RecordType.WantDelta:
                WantDeltaRecord delta = Records.ReadWantDelta(ref wire);
                w = Room(Records.WantDeltaBound);
                Records.WriteWantDelta(ref w, delta);
                Say(text, text is null ? "" : $"WantDelta directory {delta.Directory} index {delta.Index} basis {delta.BasisLength} block {delta.BlockSize} strong {delta.StrongLength}");
                break;
            case RecordType.Signature:
                SignatureRecord signature = Records.ReadSignature(ref wire);
                w = Room(Records.SignatureBound(signature.Count, signature.StrongLength));
                Records.WriteSignature(ref w, signature.Count, signature.StrongLength, signature.Blocks);
                Say(text, text is null ? "" : $"Signature blocks {signature.Count} strong {signature.StrongLength} {Convert.ToHexStringLower(signature.Blocks)}");
                break;
            case RecordType.Compare:
                CompareRecord compare = Records.ReadCompare(ref wire);
                w = Room(Records.CompareBound);
                Records.WriteCompare(ref w, compare.Directory, compare.Index, compare.Digest);
                Say(text, text is null ? "" : $"Compare directory {compare.Directory} index {compare.Index} digest {WireText.Digest(compare.Digest)}");
                break;
            case RecordType.Settled:
                SettledRecord settled = Records.ReadSettled(ref wire);
                w = Room(Records.SettledBound);
                Records.WriteSettled(ref w, settled.Directory);
                Say(text, text is null ? "" : $"Settled directory {settled.Directory}");
                break;
            case RecordType.Outcome:
                OutcomeRecord outcome = Records.ReadOutcome(ref wire);
                w = Room(Records.OutcomeBound);
                Records.WriteOutcome(ref w, outcome.Kind, outcome.Directory, outcome.Index, outcome.Changes);
                Say(text, text is null ? "" : $"Outcome {outcome.Kind} directory {outcome.Directory} index {outcome.Index} changes {outcome.Changes}");
                break;
            case RecordType.Deleted:
                DeletedRecord deleted = Records.ReadDeleted(ref wire);
                w = Room(Records.DeletedBound(deleted.Name.Length));
                Records.WriteDeleted(ref w, deleted.Directory, deleted.Name, deleted.Type);
                Say(text, text is null ? "" : $"Deleted directory {deleted.Directory} {WireText.Bytes(deleted.Name)} type {deleted.Type}");
                break;
            case RecordType.Finished:
                Statistics counts = Records.ReadFinished(ref wire);
                w = Room(Records.FinishedBound);
                Records.WriteFinished(ref w, counts);
                Say(text, text is null ? "" : $"Finished {WireText.Statistics(counts)}");
                break;
            case RecordType.NameList:
                NameListRecord names = Records.ReadNameList(ref wire);
                w = Room(Records.NameListBound(names.Data.Length));
                Records.WriteNameList(ref w, names.Last, names.Data);
                Say(text, text is null ? "" : $"NameList {(names.Last ? "last" : "more")} {WireText.Bytes(names.Data)}");
                break;
            case RecordType.Confirmed:
                ConfirmedRecord confirmed = Records.ReadConfirmed(ref wire);
                w = Room(Records.ConfirmedBound);
                Records.WriteConfirmed(ref w, confirmed);
                Say(text, text is null ? "" : $"Confirmed directory {confirmed.Directory} index {confirmed.Index} device {confirmed.Device} inode {confirmed.Inode}");
                break;
            case RecordType.Note:
                NoteRecord note = Records.ReadNote(ref wire);
                w = Room(Records.NoteBound(note.Text.Length));
                Records.WriteNote(ref w, note.Level, note.Text);
                Say(text, text is null ? "" : $"Note {note.Level} {WireText.Bytes(note.Text)}");
                break;
            default:
                throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{type} is known to the reader and not to this mirror"));
        }

        _length += w.Position;
    }

    private void MirrorEntries(ref WireReader wire, StringBuilder? text)
    {
        EntriesRecord entries = Records.ReadEntries(ref wire);
        WireWriter w = Room(Records.EntriesBound);
        Records.WriteEntries(ref w, entries.Directory, entries.First, entries.Flags, entries.Count);
        _length += w.Position;
        Say(text, text is null ? "" : $"Entries directory {entries.Directory} first {entries.First} flags {entries.Flags} count {entries.Count}");
        _decoder.Reset();
        _encoder.Reset();
        for (int i = 0; i < entries.Count; i++)
        {
            Entry entry = _decoder.Read(ref wire);
            w = Room(_encoder.SizeBound(entry));
            _encoder.Write(ref w, entry);
            _length += w.Position;
            if (text is not null)
            {
                text.Append(CultureInfo.InvariantCulture, $": {WireText.Entry(entry)}");
            }
        }
    }
}
