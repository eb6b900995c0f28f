package onnx

import (
	"encoding/json"
	"strconv"

	"github.com/spinemask/spinemask/config"
)

// Describe returns what somebody needs to use the parts of a model at inputs of
// h×w pixels: the kind of network, the classes in the order of the outputs, and
// how pixels become the input, (grey level − mean)/std for each channel in the
// order of "channels". provenance is JSON.
func Describe(c *config.Config, h, w int, provenance string) (Metadata, error) {
	var m Metadata
	m.Add("model", string(c.Model))
	m.Add("name", c.Name)
	m.Add("opset", strconv.Itoa(Opset))
	mean, std := levels(&c.Input)
	order := c.Input.ChannelOrder
	if order == "" {
		order = config.ChannelOrderRGB
	}
	for _, p := range []struct {
		key   string
		value any
	}{
		{"size", [2]int{h, w}},
		{"channels", order},
		{"mean", mean},
		{"std", std},
		{"classes", classes(c)},
		{"config", c},
	} {
		text, err := json.Marshal(p.value)
		if err != nil {
			return nil, err
		}
		m.Add(p.key, string(text))
	}
	m.Add("provenance", provenance)
	return m, nil
}

// levels are mean and deviation in grey levels from 0 to 255, in the order of the
// input's channels.
func levels(in *config.Input) (mean, std [3]float64) {
	unit := 1.
	switch in.Normalize {
	case config.NormalizeTF, config.NormalizeTorch, config.NormalizeResized:
		unit = 255
	}
	for i := range 3 {
		at := i
		if in.ChannelOrder == config.ChannelOrderBGR {
			at = 2 - i
		}
		mean[at], std[at] = unit*in.Mean[i], unit*in.Std[i]
	}
	return mean, std
}

// classes are the names of the class rows.
func classes(c *config.Config) []string {
	names := make([]string, 0, c.Classes())
	for row := range c.Classes() {
		if row == c.BackgroundRow() {
			names = append(names, "background")
		} else {
			names = append(names, c.CategoryAt(row).Name)
		}
	}
	return names
}
