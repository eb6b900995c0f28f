package bench

import (
	"runtime"
	"slices"
	"time"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/core/preprocess"
)

// LayerReport is the time of every layer, each measured on its own.
type LayerReport struct {
	Threads    int
	PeakGFLOPS float64 // of all threads
	Parts      []LayerPart
}

// LayerPart is one of the network's three programs.
type LayerPart struct {
	Name       string
	Rows, Runs int            // rows of a run, and how many runs a photo takes
	Layers     []engine.Layer // with the median of the times
}

// Layers measures every layer n times after one that is not counted.
// Of the options it is the threads and the way of computing that count.
func Layers(n *Network, o *spinemask.Options, runs int) (*LayerReport, error) {
	g, err := preprocess.Fit(&n.Config.Input, photoHeight, photoWidth)
	if err != nil {
		return nil, err
	}
	graphs, err := network.Build(n.Config)
	if err != nil {
		return nil, err
	}
	threads := o.Threads
	if threads < 1 {
		threads = runtime.GOMAXPROCS(0)
	}
	r := &LayerReport{Threads: threads}
	set := kernels.Best()
	group := 1
	if o.Fast {
		group = kernels.ItemsEach
	}
	team := parallel.NewTeam(threads)
	for _, p := range graphs.Parts(n.Config, g.InputHeight, g.InputWidth, Proposals, Detections) {
		rows := 1
		switch p.Graph {
		case graphs.Box:
			rows = network.Chunk(Proposals, network.BoxChunk(threads), group)
		case graphs.Mask:
			rows = network.Chunk(Detections, network.MaskChunk(threads), group)
		}
		o := engine.Options{Kernels: set, Height: p.Height, Width: p.Width, NoWinograd: o.NoWinograd, Fast: o.Fast}
		var classes []int
		if p.Graph == graphs.Mask {
			o.Pick = "logits"
			classes = make([]int, rows)
		}
		prepared, err := engine.Prepare(p.Graph, n.Weights, o)
		if err != nil {
			return nil, err
		}
		plan, err := prepared.Plan(p.Height, p.Width, rows)
		if err != nil {
			return nil, err
		}
		ws := plan.NewWorkspace(team, new(engine.Arena))
		input := "features"
		if p.Graph == graphs.Trunk {
			input = "image"
		}
		fill(ws.Input(input), rows)
		if classes != nil {
			ws.Pick(classes)
		}
		r.PeakGFLOPS = max(r.PeakGFLOPS, peak(set, threads))
		r.Parts = append(r.Parts, LayerPart{p.Name, rows, (p.Rows + rows - 1) / rows, medians(ws, rows, runs)})
	}
	return r, nil
}

// fill writes values of order one into an input.
func fill(m engine.Map, rows int) {
	img := noise(m.Height, m.Width*m.Channels)
	for item := range rows {
		for y := range m.Height {
			row := m.Data[item*m.ItemStride+y*m.RowStride:][:m.Width*m.Channels]
			for i := range row {
				row[i] = float32(img.Pix[y*len(row)+i]) / 255
			}
		}
	}
}

// medians runs the layers and gives each the median of its times.
func medians(ws *engine.Workspace, rows, runs int) []engine.Layer {
	layers := ws.Layers(rows)
	times := make([][]time.Duration, len(layers))
	for range runs {
		for i, l := range ws.Layers(rows) {
			times[i] = append(times[i], l.Time)
		}
	}
	for i := range layers {
		slices.Sort(times[i])
		layers[i].Time = times[i][runs/2]
	}
	return layers
}
