namespace NativeSync.Migration.Fixups;

/// <summary>
/// The initramfs of every kernel that the boot loader can choose holds the virtio drivers and what reads the root, which may
/// be of another type than the source's, and nothing of the source's disks:
/// one that was made for that machine alone waits for its volumes. Images that are right already are left alone.
/// </summary>
internal sealed class InitramfsFixup : IFixup
{
    /// <summary>One file for each kernel whose image was made here, with the UUID of the root that it was made for.</summary>
    private const string Stamps = FixupContext.Home + "/initramfs";

    private static readonly System.Buffers.SearchValues<string> ForOtherClouds = System.Buffers.SearchValues.Create(["-aws", "-azure", "-gcp", "-gke", "-oracle"], StringComparison.Ordinal);

    public string Name => "initramfs";

    public string Purpose => "virtio drivers in the initramfs of every kernel";

    public void Plan(FixupContext context)
    {
        List<BootKernel> kernels = BootKernel.Find(context.Tree);
        if (kernels.Count == 0)
        {
            context.Skip("there is no kernel in /boot");
            return;
        }

        if (!kernels.Exists(static k => k.CanRun))
        {
            context.Fail("no kernel in /boot has the drivers virtio_blk and virtio_net; install a kernel of the distribution that has them at the source, then migrate again");
            return;
        }

        if (kernels.FindLast(static k => k.CanRun) is { } first && first.Release.AsSpan().IndexOfAny(ForOtherClouds) >= 0)
        {
            context.Warn($"kernel {first.Release}, which boots first, is made for another cloud; if it does not come up, choose another in the boot menu, or install the distribution's generic kernel at the source");
        }

        (string uuid, string? type) = (context.Facts.At("/")?.Uuid ?? "", context.Facts.At("/")?.Type);
        bool resume = context.Edit("etc/initramfs-tools/conf.d/resume", "the swap to resume from is not at the destination", text => Resume(text, context.Facts));
        List<BootKernel> stale = [];
        bool anyReads = false, anyReady = false;
        foreach (BootKernel kernel in kernels)
        {
            if (!kernel.CanRun)
            {
                context.Warn($"kernel {FixupContext.Shown(kernel.Release)} has no virtio drivers and cannot boot here; choose another in the boot menu");
                continue;
            }

            if (type is not null && kernel.Reads(type) == false)
            {
                context.Warn($"kernel {FixupContext.Shown(kernel.Release)} does not know {type}, which the root has here, and cannot boot; choose another in the boot menu, or let the destination have the source's type (Client.Disks.Format)");
                continue;
            }

            anyReads = true;
            bool? holds = Holds(context.Tree, kernel, type);
            bool made = context.Tree.Text($"{Stamps}/{kernel.Release}")?.Trim() == uuid;
            anyReady |= holds == true;
            if (holds == false || (!made && (holds is null || context.Progress.DevicesChanged || resume)))
            {
                stale.Add(kernel);
            }
        }

        if (!anyReads)
        {
            context.Fail($"no kernel in /boot that runs here knows {type}, which the root has here; let the destination have the source's type (Client.Disks.Format), then migrate again");
            return;
        }

        if (stale.Count == 0)
        {
            return;
        }

        if (InitramfsTool.Find(context.Tree) is not { } tool)
        {
            Complain(context, anyReady, "the root has no update-initramfs, dracut or mkinitrd to make an initramfs with the virtio drivers; install one at the source, then migrate again");
            return;
        }

        tool.Configure(context, [.. stale.SelectMany(k => k.Modules(type)).Distinct()]);
        foreach (BootKernel kernel in stale)
        {
            if (!kernel.HasModules)
            {
                Complain(context, anyReady, $"the modules of kernel {FixupContext.Shown(kernel.Release)} are not in /lib/modules");
                continue;
            }

            string image = kernel.Initramfs ?? tool.NewImage(kernel.Release);
            context.Run(new RootCommand($"{tool.Command(kernel, image)} && mkdir -p /{Stamps} && echo {uuid} > '/{Stamps}/{kernel.Release}'", $"make the initramfs of kernel {kernel.Release}")
            {
                Vital = !anyReady && kernel == stale[^1],
                Judge = tree => tree.Resolve(image) is { } real && tree.Open(real) is { } stream
                    ? InitramfsImage.Holds(stream, kernel.Needed(type)) == false ? $"the new image lacks one of {string.Join(", ", kernel.Needed(type))}" : null
                    : "no image was made",
            });
        }
    }

    private static void Complain(FixupContext context, bool anyReady, string what)
    {
        if (anyReady)
        {
            context.Warn(what);
        }
        else
        {
            context.Fail(what);
        }
    }

    /// <summary>Whether a kernel finds its disk; null when its image cannot be looked into.</summary>
    private static bool? Holds(IRootTree tree, BootKernel kernel, string? root)
    {
        List<string> needed = kernel.Needed(root);
        return needed.Count == 0 ? true : kernel.Initramfs is not { } image ? false
            : tree.Resolve(image) is { } real && tree.Open(real) is { } stream ? InitramfsImage.Holds(stream, needed) : false;
    }

    /// <summary>initramfs-tools waits half a minute for a swap that is not there.</summary>
    internal static string Resume(string text, FixupFacts facts)
    {
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith("RESUME=", StringComparison.Ordinal) && lines[i] is not ("RESUME=none" or "RESUME=auto")
                && (Fstab.UuidOf(lines[i]["RESUME=".Length..].Trim('"')) is not { } uuid || !facts.HasUuid(uuid)))
            {
                lines[i] = "RESUME=none";
            }
        }

        return string.Join('\n', lines);
    }
}
