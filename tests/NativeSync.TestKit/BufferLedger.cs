using System.Buffers;
using System.Diagnostics.Tracing;

namespace NativeSync.TestKit;

/// <summary>
/// Counts the buffers that a piece of work takes from <c>ArrayPool&lt;byte&gt;.Shared</c> and does not give back, by the pool's own events.
/// What the work starts (threads, tasks, timers) counts for it; what others do meanwhile does not.
/// </summary>
public sealed class BufferLedger : EventListener
{
    private const int Rented = 1;
    private const int Returned = 3;

    private static readonly AsyncLocal<Account?> Current = new();

    private readonly Dictionary<int, Stack<Account>> _owners = [];
    private readonly int _pool = ArrayPool<byte>.Shared.GetHashCode();

    /// <summary>From here on, what this flow of control rents is counted.</summary>
    public static Account Open()
    {
        Account account = new();
        Current.Value = account;
        return account;
    }

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "System.Buffers.ArrayPoolEventSource")
        {
            EnableEvents(eventSource, EventLevel.Verbose);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventId is not (Rented or Returned) || (int)eventData.Payload![2]! != _pool)
        {
            return;
        }

        int buffer = (int)eventData.Payload[0]!;
        lock (_owners)
        {
            if (eventData.EventId == Rented && Current.Value is { } account)
            {
                // Two arrays may have the same hash code.
                if (!_owners.TryGetValue(buffer, out Stack<Account>? stack))
                {
                    _owners.Add(buffer, stack = new());
                }

                stack.Push(account);
                account.Add((int)eventData.Payload[1]!);
            }
            else if (eventData.EventId == Returned && _owners.TryGetValue(buffer, out Stack<Account>? stack))
            {
                stack.Pop().Remove((int)eventData.Payload[1]!);
                if (stack.Count == 0)
                {
                    _owners.Remove(buffer);
                }
            }
        }
    }

    /// <summary>One piece of work's.</summary>
    public sealed class Account
    {
        private readonly Lock _gate = new();
        private readonly List<int> _out = [];
        private long _rented;

        /// <summary>All that it took so far.</summary>
        public long RentedInAll => Interlocked.Read(ref _rented);

        /// <summary>The lengths of those that were not given back.</summary>
        public int[] Outstanding
        {
            get
            {
                lock (_gate)
                {
                    return [.. _out];
                }
            }
        }

        internal void Add(int length)
        {
            Interlocked.Increment(ref _rented);
            lock (_gate)
            {
                _out.Add(length);
            }
        }

        internal void Remove(int length)
        {
            lock (_gate)
            {
                _out.Remove(length);
            }
        }
    }
}
