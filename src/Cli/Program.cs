using NativeSync.Cli;
using NativeSync.Cli.Startup;

NameService.UseBuiltInModules();
Console.Write(VersionText.Text);
return 0;
