package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/backprop"
	"github.com/spinemask/spinemask/weights"
)

// WriteModel writes the network as it is, as a native model file: with Average, the
// averaged weights. source says in the provenance where they come from.
func (t *Trainer) WriteModel(w io.Writer, p weights.Provenance) error {
	var list []weights.Tensor
	for _, q := range t.params.List {
		list = append(list, weights.NewTensor(q.Name, q.Shape, t.value(q)))
	}
	f, err := weights.FromTensors(t.config.Name, list, nil)
	if err != nil {
		return err
	}
	return weights.Convert(w, f, t.config, p)
}

// value are the weights of the model that is made.
func (t *Trainer) value(p *backprop.Param) []float32 {
	if a := t.state.average[p.Name]; a != nil && t.state.step > 0 {
		return a
	}
	return p.Value
}

// Weights gives the network's weights as the model has them, for package spinemask's
// New. They change with the next step.
func (t *Trainer) Weights() interface {
	Float32(name string) ([]float32, error)
} {
	return current{t}
}

type current struct{ t *Trainer }

func (c current) Float32(name string) ([]float32, error) {
	p := c.t.params.Get(name)
	if p == nil {
		return nil, fmt.Errorf("train: %s: not in the network", name)
	}
	return c.t.value(p), nil
}

// Config is the model that is made. The caller may set its name, what is known of
// its objects, and thresholds.
func (t *Trainer) Config() *config.Config { return t.config }

// stateHeader stands in the metadata of a state file.
type stateHeader struct {
	Format int             `json:"format"`
	Step   int             `json:"step"`
	Recipe *Recipe         `json:"recipe"`
	Extra  json.RawMessage `json:"extra,omitempty"`
}

// Names of arrays of a state file beside the weights'.
const (
	velocityPrefix = "velocity/"
	averagePrefix  = "average/"
)

// WriteState writes all that a run goes on from: weights, statistics, velocities,
// averages, the step and the recipe, with extra, JSON of the caller's. It is a safetensors
// file.
func (t *Trainer) WriteState(w io.Writer, extra any) error {
	h := stateHeader{Format: 1, Step: t.state.step, Recipe: t.recipe}
	var err error
	if h.Extra, err = json.Marshal(extra); err != nil {
		return err
	}
	header, err := json.Marshal(h)
	if err != nil {
		return err
	}
	var list []weights.Tensor
	for _, p := range t.params.List {
		list = append(list, weights.NewTensor(p.Name, p.Shape, p.Value))
	}
	add := func(prefix string, arrays map[string][]float32) {
		for _, name := range slices.Sorted(maps.Keys(arrays)) {
			list = append(list, weights.NewTensor(prefix+name, t.params.Get(name).Shape, arrays[name]))
		}
	}
	add(velocityPrefix, t.state.velocity)
	add(averagePrefix, t.state.average)
	return weights.WriteTensors(w, list, map[string]string{"training": string(header)})
}

// ReadState goes on from what WriteState wrote in a run with the same recipe. It
// returns the extra of the caller.
func (t *Trainer) ReadState(path string) (extra json.RawMessage, err error) {
	f, err := weights.OpenRaw(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, ok := f.Metadata()["training"]
	if !ok {
		return nil, fmt.Errorf("train: %s: not the state of a training run", path)
	}
	var h stateHeader
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return nil, fmt.Errorf("train: %s: %w", path, err)
	}
	if h.Format != 1 {
		return nil, fmt.Errorf("train: %s: format %d, want 1", path, h.Format)
	}
	was, _ := json.Marshal(h.Recipe)
	is, _ := json.Marshal(t.recipe)
	if string(was) != string(is) {
		return nil, fmt.Errorf("train: %s: made with another recipe: %s, not %s", path, was, is)
	}
	read := func(name string, dst []float32) error {
		x, ok := f.Tensor(name)
		if !ok || x.Len() != len(dst) {
			return fmt.Errorf("train: %s: %s: missing, or of another size", path, name)
		}
		_, err := x.Float32(dst)
		return err
	}
	for _, p := range t.params.List {
		if err := read(p.Name, p.Value); err != nil {
			return nil, err
		}
	}
	for prefix, arrays := range map[string]map[string][]float32{velocityPrefix: t.state.velocity, averagePrefix: t.state.average} {
		for name, v := range arrays {
			if err := read(prefix+name, v); err != nil {
				return nil, err
			}
		}
	}
	t.state.step = h.Step
	return h.Extra, nil
}
