package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
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

// current are the network's weights as the model has them, for package spinemask's New.
// They change with the next step.
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
	Config *config.Config  `json:"config"`
	Data   string          `json:"data_sha256"` // dataset.Set.SHA256
	Fresh  []string        `json:"fresh,omitempty"`
	Extra  json.RawMessage `json:"extra,omitempty"`
}

// WriteState writes all that a run goes on from: weights, statistics, velocities,
// averages, the step, the recipe, the config and the hash of the data set, with extra,
// which becomes JSON of the caller's. It is a safetensors file.
func (t *Trainer) WriteState(w io.Writer, extra any) error {
	h := stateHeader{Format: 1, Step: t.state.step, Recipe: t.recipe, Config: t.config, Data: t.data, Fresh: t.fresh}
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
	kept := t.state.arrays()
	for _, prefix := range []string{"velocity/", "square/", "average/"} {
		add(prefix, kept[prefix])
	}
	return weights.WriteTensors(w, list, map[string]string{"training": string(header)})
}

// Resume goes on from a file of WriteState, with the recipe and the config that stand in
// it. The data set has to be the same. It returns the extra of WriteState too.
func Resume(path string, set *dataset.Set, o *Options) (t *Trainer, extra json.RawMessage, err error) {
	f, err := weights.OpenRaw(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h, err := readHeader(f)
	if err != nil {
		return nil, nil, fmt.Errorf("train: %s: %w", path, err)
	}
	if sum := set.SHA256(); sum != h.Data {
		return nil, nil, fmt.Errorf("train: %s: the run was begun with other data: their SHA-256 was %.12s…, now it is %.12s…", path, h.Data, sum)
	}
	if t, err = New(h.Config, resumed{fileArrays{f}, h.Fresh}, set, h.Recipe, o); err != nil {
		return nil, nil, fmt.Errorf("train: %s: %w", path, err)
	}
	for prefix, arrays := range t.state.arrays() {
		for name, v := range arrays {
			was, err := (fileArrays{f}).Float32(prefix + name)
			if err != nil {
				return nil, nil, fmt.Errorf("train: %s: %w", path, err)
			}
			if copy(v, was) != len(v) || len(was) != len(v) {
				return nil, nil, fmt.Errorf("train: %s: %s: %d values, want %d", path, prefix+name, len(was), len(v))
			}
		}
	}
	t.state.step = h.Step
	return t, h.Extra, nil
}

// readHeader reads what stands beside the arrays.
func readHeader(f *weights.File) (*stateHeader, error) {
	text, ok := f.Metadata()["training"]
	if !ok {
		return nil, errors.New("not the state of a training run")
	}
	h := new(stateHeader)
	if err := json.Unmarshal([]byte(text), h); err != nil {
		return nil, err
	}
	if h.Format != 1 {
		return nil, fmt.Errorf("format %d, want 1", h.Format)
	}
	if h.Recipe == nil || h.Config == nil || h.Step < 0 {
		return nil, errors.New("the header lacks the recipe, the config or the step")
	}
	if err := h.Config.Validate(); err != nil {
		return nil, err
	}
	return h, nil
}

// fileArrays are the arrays of a file as weights.
type fileArrays struct{ file *weights.File }

func (a fileArrays) Float32(name string) ([]float32, error) {
	x, ok := a.file.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("%s: missing", name)
	}
	return x.Float32(nil)
}

// resumed are the weights of a run that goes on.
type resumed struct {
	fileArrays
	anew []string
}

func (r resumed) fresh() []string { return r.anew }
