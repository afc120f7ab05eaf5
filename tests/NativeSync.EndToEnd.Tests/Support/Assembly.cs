// The tests here measure memory, fill file systems and copy gigabytes: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
