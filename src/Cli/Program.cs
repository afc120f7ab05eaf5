using NativeSync.Cli;
using NativeSync.Cli.Startup;

StaticRuntime.Prepare();
Console.Write(VersionText.Text);
return 0;
