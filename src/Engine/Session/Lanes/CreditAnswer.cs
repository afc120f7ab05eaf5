namespace NativeSync.Engine.Session;

/// <summary>What a send loop is to do with a pack that it holds.</summary>
internal enum CreditAnswer : byte
{
    /// <summary>Send it.</summary>
    Go,

    /// <summary>Send a control frame, then ask again.</summary>
    Control,

    /// <summary>Hand it back: the lane is lost, or another pack has to go first.</summary>
    GiveBack,
}
