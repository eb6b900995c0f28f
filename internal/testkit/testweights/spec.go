// Package testweights makes the weights of test networks by a formula, the same in every language, so that the outputs of
// the original systems can be compared with ours without storing the weights.
package testweights

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"

	"github.com/spinemask/spinemask/internal/testkit/testweights/formula"
	"github.com/spinemask/spinemask/weights"
)

// FromSpec makes the tensors that a specification lists and returns them as a file, whose names it recognises. Values
// follow package formula; tensors without a formula, and those that only the statistics file has (moving means and variances),
// come from that safetensors file. The first values and the hash that the specification states are checked.
//
// The specification is JSON, {"tensors": […]} or the list alone, of {name, shape, a, c, first, sha256}; kind "stored"
// marks a tensor without a formula.
func FromSpec(specPath, statsPath string) (*weights.File, error) {
	tensors, err := fromSpec(specPath, statsPath)
	if err != nil {
		return nil, err
	}
	return weights.FromTensors(specPath, tensors, nil)
}

func fromSpec(specPath, statsPath string) ([]weights.Tensor, error) {
	spec, err := readSpec(specPath)
	if err != nil {
		return nil, err
	}
	stats, err := weights.OpenRaw(statsPath)
	if err != nil {
		return nil, err
	}
	defer stats.Close()
	var tensors []weights.Tensor
	listed := map[string]bool{}
	for _, e := range spec {
		listed[e.Name] = true
		var values []float32
		if e.Kind == "stored" {
			if values, err = copyOf(stats, e.Name); err != nil {
				return nil, err
			}
		} else {
			values = formula.Values(e.Name, size(e.Shape), e.A, e.C)
		}
		if err := e.check(values); err != nil {
			return nil, err
		}
		tensors = append(tensors, weights.NewTensor(e.Name, e.Shape, values))
	}
	for _, name := range stats.Names() {
		if !listed[name] {
			values, err := copyOf(stats, name)
			if err != nil {
				return nil, err
			}
			t, _ := stats.Tensor(name)
			tensors = append(tensors, weights.NewTensor(name, t.Shape, values))
		}
	}
	return tensors, nil
}

// copyOf returns values that outlive the file.
func copyOf(f *weights.File, name string) ([]float32, error) {
	t, ok := f.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("testweights: %s is not stored", name)
	}
	return t.Float32(make([]float32, t.Len()))
}

// entry is one tensor of a specification.
type entry struct {
	Name   string
	Shape  []int
	Kind   string
	A, C   float32 // half width and centre of the formula
	First  []float32
	SHA256 string
}

func readSpec(path string) ([]entry, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("testweights: %w", err)
	}
	var list []entry
	if err := json.Unmarshal(data, &list); err == nil {
		return list, nil
	}
	var object struct{ Tensors []entry }
	if err := json.Unmarshal(data, &object); err != nil {
		return nil, fmt.Errorf("testweights: %s: %w", path, err)
	}
	return object.Tensors, nil
}

func (e entry) check(values []float32) error {
	for i, want := range e.First {
		if i < len(values) && values[i] != want {
			return fmt.Errorf("testweights: %s: value %d is %g, want %g", e.Name, i, values[i], want)
		}
	}
	b := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v))
	}
	if got := sha256.Sum256(b); hex.EncodeToString(got[:]) != e.SHA256 {
		return fmt.Errorf("testweights: %s: SHA-256 %x, want %s", e.Name, got, e.SHA256)
	}
	return nil
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
