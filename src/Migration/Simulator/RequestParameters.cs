using System.Text.Json;

namespace NativeSync.Migration.Simulator;

/// <summary>The JSON body of a request, with the API's complaints about what is missing, unknown or of the wrong type.</summary>
internal sealed class RequestParameters : IDisposable
{
    private readonly JsonDocument _document;
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    public RequestParameters(byte[] body)
    {
        try
        {
            _document = JsonDocument.Parse(body);
        }
        catch (JsonException)
        {
            throw new SimulatorException("InvalidParameter", "The request body is not valid JSON.");
        }

        if (_document.RootElement.ValueKind != JsonValueKind.Object)
        {
            _document.Dispose();
            throw new SimulatorException("InvalidParameter", "The request body is not a JSON object.");
        }
    }

    public void Dispose() => _document.Dispose();

    public string Required(string name)
        => Optional(name) ?? throw new SimulatorException("MissingParameter", $"The request is missing the parameter `{name}`.");

    public string? Optional(string name)
    {
        _asked.Add(name);
        if (!_document.RootElement.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : throw new SimulatorException("InvalidParameter", $"The parameter `{name}` should be of type string.");
    }

    public IReadOnlyList<string> Strings(string name, int most = 100)
    {
        _asked.Add(name);
        if (!_document.RootElement.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(v => v.ValueKind != JsonValueKind.String))
        {
            throw new SimulatorException("InvalidParameter", $"The parameter `{name}` should be a list of strings.");
        }

        List<string> items = [.. value.EnumerateArray().Select(v => v.GetString()!)];
        return items.Count <= most ? items : throw new SimulatorException("InvalidParameterValue.LimitExceeded", $"The parameter `{name}` has more than {most} items.");
    }

    public long? Integer(string name)
    {
        _asked.Add(name);
        if (!_document.RootElement.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number)
            ? number
            : throw new SimulatorException("InvalidParameter", $"The parameter `{name}` should be of type integer.");
    }

    public bool Has(string name)
    {
        _asked.Add(name);
        return _document.RootElement.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null;
    }

    /// <summary>The values of one filter of the parameter Filters.</summary>
    public IReadOnlyList<string> FilterValues(string name)
    {
        List<string> values = [];
        if (Has("Filters"))
        {
            foreach (JsonElement filter in _document.RootElement.GetProperty("Filters").EnumerateArray())
            {
                if (filter.GetProperty("Name").GetString() == name)
                {
                    values.AddRange(filter.GetProperty("Values").EnumerateArray().Select(v => v.GetString() ?? ""));
                }
            }
        }

        return values;
    }

    /// <summary>To be called when all known names were asked for.</summary>
    public void RefuseOthers()
    {
        foreach (JsonProperty property in _document.RootElement.EnumerateObject())
        {
            if (!_asked.Contains(property.Name))
            {
                throw new SimulatorException("UnknownParameter", $"The parameter `{property.Name}` is not recognized.");
            }
        }
    }
}
