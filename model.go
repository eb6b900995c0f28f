package spinemask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/preprocess"
	"github.com/spinemask/spinemask/weights"
)

// A Model is a network with its weights, ready to run: [Open], [Load] and [New]
// make one. It is safe for concurrent use. The zero Model runs nothing: its
// methods return [ErrClosed].
type Model struct {
	config  *config.Config
	options Options
	source  Source
	file    *weights.File // unloaded, for its hash; nil for a model that New made

	kernels       *kernels.Set
	trunk         *engine.Prepared
	box, mask     *head // Mask R-CNN
	classifier    *head // classification
	weightBytes   int64
	winogradBytes int64 // at the usual size

	sessions  chan *session // idle ones; nil for one not made yet
	closed    chan struct{}
	closeOnce sync.Once
	closeErr  error
}

// Source says where a model came from.
type Source struct {
	Name        string   // of the file
	Files       []string // paths of all files that it consists of
	Provenance  string   // what its metadata says of its own source
	Assumptions []weights.Assumption
}

// Open reads a model from a file: the project's native one, or one that
// another system wrote (see package weights).
func Open(path string, o *Options) (*Model, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	f, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	return newModel(path, f, o)
}

// Load reads a model from the size bytes behind r, which must stay readable
// until the model is closed. The name stands in errors.
func Load(name string, r io.ReaderAt, size int64, o *Options) (*Model, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	f, err := weights.Load(name, r, size)
	if err != nil {
		return nil, err
	}
	return newModel(name, f, o)
}

// newModel takes over the file.
func newModel(name string, f *weights.File, o *Options) (*Model, error) {
	if o == nil {
		o = &Options{}
	}
	m, err := fromFile(name, f, o)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	m.file = f
	return m, f.Unload()
}

func fromFile(name string, f *weights.File, o *Options) (*Model, error) {
	c, assumptions, err := f.Config(o.Weights)
	if err != nil {
		return nil, err
	}
	n, err := network.Build(c)
	if err != nil {
		return nil, err
	}
	var want []weights.Want
	for _, t := range n.Tensors() {
		want = append(want, weights.Want{Name: t.Name, Shape: t.Shape})
	}
	if err := weights.Check(f, want); err != nil {
		return nil, err
	}
	m, err := build(c, fileWeights{f}, o)
	if err != nil {
		return nil, fmt.Errorf("spinemask: %s: %w", name, err)
	}
	m.source = Source{Name: name, Files: f.Files(), Provenance: f.Metadata()["provenance"], Assumptions: assumptions}
	return m, nil
}

// Weights gives the stored arrays of a network by their names; graph.Tensor
// says which there are. It is called from several goroutines at once.
type Weights interface {
	Float32(name string) ([]float32, error)
}

// New makes a model of a config and weights that are in memory. They are free
// to go when it returns.
func New(c *config.Config, w Weights, o *Options) (*Model, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o == nil {
		o = &Options{}
	}
	m, err := build(c, w, o)
	if err != nil {
		return nil, fmt.Errorf("spinemask: %w", err)
	}
	return m, nil
}

func build(c *config.Config, w Weights, o *Options) (*Model, error) {
	c, err := o.configure(c)
	if err != nil {
		return nil, err
	}
	n, err := network.Build(c)
	if err != nil {
		return nil, err
	}
	m := &Model{
		config: c, options: *o, kernels: kernels.Best(),
		sessions: make(chan *session, o.workspaces()),
		closed:   make(chan struct{}),
	}
	if o.MinScore == DisplayScore {
		m.options.MinScore = c.Detections.DisplayThreshold
	}
	for range o.workspaces() {
		m.sessions <- nil
	}
	usual, err := preprocess.Fit(&c.Input, 480, 640) // the size of most photos of COCO
	if err != nil {
		return nil, err
	}
	if m.trunk, err = engine.Prepare(n.Trunk, w, m.engineOptions(usual.InputHeight, usual.InputWidth)); err != nil {
		return nil, err
	}
	if err := m.prepareHeads(n, w); err != nil {
		return nil, err
	}
	plan, err := m.trunk.Plan(usual.InputHeight, usual.InputWidth, 1)
	if err != nil {
		return nil, err
	}
	m.weightBytes = m.trunk.WeightBytes()
	for _, h := range m.heads() {
		m.weightBytes += h.prepared.WeightBytes()
	}
	m.winogradBytes = m.winograd(plan)
	if !c.Input.HasSize() {
		plan = nil // known when a photo is
	}
	if err := m.checkMemory(plan); err != nil {
		return nil, err
	}
	return m, nil
}

// A head is a compiled graph that runs over rows of features.
type head struct {
	name     string // for people
	prepared *engine.Prepared
	plan     *engine.Plan
	rows     int // that go through it at once
}

// prepareHeads compiles the heads that the network has.
func (m *Model) prepareHeads(n *network.Network, w Weights) (err error) {
	c, threads := m.config, m.options.threads()
	if n.Classifier != nil {
		m.classifier, err = m.prepareHead(n.Classifier, w, 1, 1, "")
		if err == nil {
			m.classifier.name = "classifier"
		}
	}
	if err != nil || n.Box == nil {
		return err
	}
	rows := min(network.BoxChunk(threads), max(c.RPN.PostNMS, kernels.ItemsEach))
	if m.box, err = m.prepareHead(n.Box, w, c.RoIAlign.BoxSize, rows, ""); err != nil {
		return err
	}
	m.box.name = fmt.Sprintf("box head, a chunk of %d proposals", rows)
	rows = min(network.MaskChunk(threads), max(c.Detections.Max, kernels.ItemsEach))
	if m.mask, err = m.prepareHead(n.Mask, w, c.RoIAlign.MaskSize, rows, "logits"); err != nil {
		return err
	}
	m.mask.name = fmt.Sprintf("mask head, a chunk of %d detections", rows)
	return nil
}

// prepareHead compiles a head for rows of size×size features. Of the output
// called pick it makes one channel only, that of each row's class.
func (m *Model) prepareHead(g *graph.Graph, w Weights, size, rows int, pick string) (*head, error) {
	o := m.engineOptions(size, size)
	o.Pick = pick
	p, err := engine.Prepare(g, w, o)
	if err != nil {
		return nil, err
	}
	plan, err := p.Plan(size, size, rows)
	return &head{prepared: p, plan: plan, rows: rows}, err
}

// heads lists those that the model has.
func (m *Model) heads() []*head {
	return slices.DeleteFunc([]*head{m.box, m.mask, m.classifier}, func(h *head) bool { return h == nil })
}

// group is the number of RoIs that a head is faster with than with one more or
// less.
func (m *Model) group() int {
	if m.options.Fast {
		return kernels.ItemsEach
	}
	return 1
}

// engineOptions are those of a graph that is mostly run at h×w.
func (m *Model) engineOptions(h, w int) engine.Options {
	return engine.Options{Kernels: m.kernels, Height: h, Width: w, NoWinograd: m.options.NoWinograd, Fast: m.options.Fast, Threads: m.options.threads() * m.options.workspaces()}
}

// fileWeights gives a file's tensors to the compiler.
type fileWeights struct{ *weights.File }

func (w fileWeights) Float32(name string) ([]float32, error) {
	t, ok := w.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("%s: missing", name)
	}
	return t.Float32(nil)
}

// Config returns what the model is. The caller must not change it.
func (m *Model) Config() *config.Config { return m.config }

// Source returns where the model came from.
func (m *Model) Source() Source { return m.source }

// SHA256 returns the hash of the file's bytes, hexadecimal; of a checkpoint of
// several files, of the index and then the data files; "" of a model that New
// made. The first call reads them all. The model must not be closed.
func (m *Model) SHA256() (string, error) {
	if m.file == nil {
		return "", nil
	}
	return m.file.SHA256()
}

// WeightBytes is the memory that the packed weights take.
func (m *Model) WeightBytes() int64 { return m.weightBytes }

// WinogradBytes is the memory that the weights of Winograd's method take beside
// the packed ones, for photos of 480×640 pixels. They are made for the first
// picture, not while the model is opened.
func (m *Model) WinogradBytes() int64 { return m.winogradBytes }

// ErrClosed is returned by calls on a closed model, and on the zero Model.
var ErrClosed = errors.New("spinemask: the model is closed, or was never opened")

// Close waits for calls under way and frees the model's memory. Later calls
// return ErrClosed.
func (m *Model) Close() error {
	m.closeOnce.Do(func() {
		if m.closed == nil {
			return // the zero Model
		}
		close(m.closed)
		for range cap(m.sessions) {
			<-m.sessions
		}
		m.trunk, m.box, m.mask, m.classifier = nil, nil, nil, nil
		if m.file != nil {
			m.closeErr = m.file.Close()
		}
	})
	return m.closeErr
}

// isClosed says whether the model was closed, or never opened.
func (m *Model) isClosed() bool {
	select {
	case <-m.closed:
		return true
	default:
		return m.closed == nil
	}
}

// acquire waits for an idle session.
func (m *Model) acquire(ctx context.Context) (*session, error) {
	if m.isClosed() {
		return nil, ErrClosed
	}
	select {
	case s := <-m.sessions:
		if s != nil {
			return s, nil
		}
		s, err := newSession(ctx, m)
		if err != nil {
			m.sessions <- nil
		}
		return s, err
	case <-m.closed:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *Model) release(s *session) { m.sessions <- s }
