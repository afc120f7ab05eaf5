namespace NativeSync.Engine.Filters;

/// <summary>The side of a transfer that asks a filter list for its decision.</summary>
internal enum FilterSide : byte
{
    /// <summary>The side that lists what is to travel: an exclude hides the name.</summary>
    Sender,

    /// <summary>The side that looks for what to delete: an exclude protects the name.</summary>
    Receiver,
}

/// <summary>What a filter list says about one name on one side.</summary>
internal enum FilterDecision : byte
{
    /// <summary>No rule matched, or the first rule that matched includes: the name is shown, or at risk of deletion.</summary>
    Included = 0,

    /// <summary>Hidden on the sending side. An excluded directory is not descended into.</summary>
    Excluded = 1,

    /// <summary>Protected from deletion on the receiving side.</summary>
    Protected = 2,
}
