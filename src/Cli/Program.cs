using NativeSync.Cli;
using NativeSync.Cli.Startup;

StaticRuntime.Prepare();
return await CommandLine.RunAsync(args);
