package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/weights"
)

// mean writes the mean of the weights of native files of one network, as a file in float32 with the config of the first. Their runs must be of the same data.
func mean(w io.Writer, names []string) error {
	var files []*weights.File
	var from []string
	var p weights.Provenance
	for _, name := range names {
		f, err := weights.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		var run weights.Provenance
		if err := json.Unmarshal([]byte(f.Metadata()["provenance"]), &run); err != nil {
			return fmt.Errorf("%s: provenance: %w", name, err)
		}
		if len(files) > 0 && run.SHA256 != p.SHA256 {
			return fmt.Errorf("%s and %s are of different data", names[0], name)
		}
		files, from, p = append(files, f), append(from, run.Source), run
	}
	if len(files) < 2 {
		return errors.New("a mean is of two files at least")
	}
	p.Source = "mean of the weights " + strings.Join(from, " and ")
	var list []weights.Tensor
	for _, name := range files[0].Names() {
		first, _ := files[0].Tensor(name)
		sum := make([]float64, first.Len())
		for i, f := range files {
			t, ok := f.Tensor(name)
			if !ok || !slices.Equal(t.Shape, first.Shape) {
				return fmt.Errorf("%s: no %s of the shape %v", names[i], name, first.Shape)
			}
			values, err := t.Float32(nil)
			if err != nil {
				return err
			}
			for k, v := range values {
				sum[k] += float64(v)
			}
		}
		values := make([]float32, len(sum))
		for k, v := range sum {
			values[k] = float32(v / float64(len(files)))
		}
		list = append(list, weights.NewTensor(name, first.Shape, values))
	}
	c, _, err := files[0].Config(weights.Options{})
	if err != nil {
		return err
	}
	f, err := weights.FromTensors("mean", list, nil)
	if err != nil {
		return err
	}
	return weights.Convert(w, f, c, p)
}
