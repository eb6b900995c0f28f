package bench

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/rle"
	"github.com/spinemask/spinemask/train"
)

// Training is what a step of training works on.
type Training struct {
	Side           int // of the input, pixels
	Batch          int // images of a step
	Regions, Masks int // of an image, for the box head and for the mask head
	Threads        int // 0: GOMAXPROCS
}

// A TrainReport says how long the steps of a training take.
type TrainReport struct {
	Training
	Model      string      `json:"model"`
	CPU        string      `json:"cpu"`
	Kernels    string      `json:"kernels"`
	PeakGFLOPS float64     `json:"peak_gflops"`
	Steps      int         `json:"steps"`
	Step       Timing      `json:"step"`
	Parts      []TrainPart `json:"parts"`
	PlannedMB  float64     `json:"planned_mb"` // weights, gradients and the values of a batch
	RSSMB      float64     `json:"rss_mb"`     // 0 where the system does not tell
	AllocsStep uint64      `json:"allocations_per_step"`
	BytesStep  uint64      `json:"bytes_per_step"`
}

// A TrainPart is a part of a step.
type TrainPart struct {
	Name string  `json:"name"`
	Mean float64 `json:"mean_s"` // a step
}

// trainObjects are the objects of every picture.
const trainObjects = 12

// PublishedTraining is a size of SpineNet as the Model Garden trains it.
func PublishedTraining(variant string) (*Network, error) {
	c, err := config.TF2(variant)
	if err != nil {
		return nil, err
	}
	w, err := random(c)
	return &Network{c, w, func() error { return nil }}, err
}

// unmeasured are the steps before those that are measured: in the first one scratch memory grows as far as it is needed,
// in the second one it is divided anew.
const unmeasured = 2

// Train measures so many steps after those that are unmeasured. The pictures are
// noise with ellipses, twelve objects each, for a classifier one, and stay in memory;
// nothing is changed at random.
func Train(ctx context.Context, n *Network, w Training, steps int) (*TrainReport, error) {
	if w.Threads == 0 {
		w.Threads = runtime.GOMAXPROCS(0)
	}
	set := pictures(n.Config, w)
	recipe := &train.Recipe{
		Name: "bench", Seed: 1, Batch: w.Batch, Steps: steps + unmeasured, Height: w.Side, Width: w.Side,
		Rate: train.Rate{Value: 1e-4}, Momentum: 0.9, WeightDecay: 4e-5, Norms: train.Norms{Momentum: 0.99},
		Anchors: train.AnchorSampling{Samples: 256, Fraction: 0.5},
		Regions: train.RegionSampling{PreNMS: 2000, PostNMS: 1000, Samples: w.Regions, Fraction: 0.25, Masks: w.Masks, MaskCrop: 28},
		Augment: train.Augment{Scale: [2]float64{1, 1}},
	}
	noise := noise(w.Side, w.Side)
	picture := image.NewRGBA(image.Rect(0, 0, w.Side, w.Side))
	for y := range w.Side {
		for x := range w.Side {
			p := noise.Pix[3*(y*w.Side+x):]
			picture.SetRGBA(x, y, color.RGBA{R: p[0], G: p[1], B: p[2], A: 255})
		}
	}
	t, err := train.New(n.Config, n.Weights, set, recipe, &train.Options{Threads: w.Threads, Read: func(*dataset.Image) (image.Image, error) { return picture, nil }})
	if err != nil {
		return nil, err
	}
	r := &TrainReport{Training: w, Model: n.Config.Name, CPU: cpuName(), Kernels: kernels.Best().Name, Steps: steps}
	if !n.Config.Model.HasMasks() {
		r.Regions, r.Masks = 0, 0
	}
	r.PeakGFLOPS = peak(kernels.Best(), w.Threads)
	for range unmeasured {
		if _, err := t.Step(ctx); err != nil {
			return nil, err
		}
	}
	var before, after runtime.MemStats
	first := t.Times()
	runtime.ReadMemStats(&before)
	var seconds []float64
	for range steps {
		start := time.Now()
		if _, err := t.Step(ctx); err != nil {
			return nil, err
		}
		seconds = append(seconds, time.Since(start).Seconds())
	}
	runtime.ReadMemStats(&after)
	r.Step = timing(seconds)
	r.AllocsStep, r.BytesStep = (after.Mallocs-before.Mallocs)/uint64(steps), (after.TotalAlloc-before.TotalAlloc)/uint64(steps)
	r.PlannedMB, r.RSSMB = float64(t.Bytes())/1e6, float64(peakRSS())/1e6
	r.parts(first, t.Times())
	return r, nil
}

func (r *TrainReport) parts(a, b train.Times) {
	rest := (b.Steps - a.Steps).Seconds() / float64(r.Steps)
	for _, p := range []struct {
		name string
		took time.Duration
	}{
		{"images", b.Images - a.Images},
		{"forward", b.Forward - a.Forward},
		{"backward, inputs", b.BackwardData - a.BackwardData},
		{"backward, weights", b.BackwardWeights - a.BackwardWeights},
		{"norms", b.Norms - a.Norms},
		{"sums, pools, upsampling", b.Other - a.Other},
		{"RoIAlign", b.Regions - a.Regions},
		{"update", b.Update - a.Update},
	} {
		s := p.took.Seconds() / float64(r.Steps)
		r.Parts = append(r.Parts, TrainPart{p.name, s})
		rest -= s
	}
	r.Parts = append(r.Parts, TrainPart{"proposals, targets, losses", rest})
}

// pictures are a batch of pictures with ellipses of 12 pixels to a quarter of the side.
func pictures(c *config.Config, w Training) *dataset.Set {
	set := &dataset.Set{}
	for i, name := range c.Categories {
		set.Categories = append(set.Categories, dataset.Category{ID: i + 1, Name: name.Name})
	}
	rng := rand.New(rand.NewPCG(1, 1))
	side, objects := float64(w.Side), trainObjects
	if c.Model == config.ModelClassification {
		objects = 1
	}
	for i := range w.Batch {
		picture := dataset.Image{Name: fmt.Sprint(i), Height: w.Side, Width: w.Side}
		for range objects {
			half := func() float64 { return math.Exp(math.Log(12)+rng.Float64()*math.Log(side/4/12)) / 2 }
			center := func() float64 { return (0.15 + 0.7*rng.Float64()) * side }
			x, y, a, b := center(), center(), half(), half()
			var outline []float64
			for k := range 40 {
				angle := 2 * math.Pi * float64(k) / 40
				outline = append(outline, min(max(x+a*math.Cos(angle), 0), side), min(max(y+b*math.Sin(angle), 0), side))
			}
			o := dataset.Object{Category: rng.IntN(len(set.Categories)), Mask: rle.FromPolygon(outline, w.Side, w.Side)}
			o.Box.X1, o.Box.X2 = float32(max(x-a, 0)), float32(min(x+a, side))
			o.Box.Y1, o.Box.Y2 = float32(max(y-b, 0)), float32(min(y+b, side))
			picture.Objects = append(picture.Objects, o)
		}
		set.Images = append(set.Images, picture)
	}
	return set
}

// String prints the report as a table for people.
func (r *TrainReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "training of %s, input %d×%d, batch %d", r.Model, r.Side, r.Side, r.Batch)
	if r.Regions > 0 {
		fmt.Fprintf(&b, ", %d regions and %d masks an image", r.Regions, r.Masks)
	}
	b.WriteByte('\n')
	fmt.Fprintf(&b, "%s, kernels %s, %d threads, peak %.0f GF/s\n\n", r.CPU, r.Kernels, r.Threads, r.PeakGFLOPS)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\tmean ms\t\n")
	for _, p := range r.Parts {
		fmt.Fprintf(t, "%s\t%.1f\t\n", p.Name, 1e3*p.Mean)
	}
	t.Flush()
	fmt.Fprintf(&b, "\na step: median %.3f s, best %.3f s, spread %.0f%%; %.2f images/s; %d steps\n", r.Step.Median, r.Step.Best, 100*r.Step.Spread/r.Step.Median, float64(r.Batch)/r.Step.Median, r.Steps)
	fmt.Fprintf(&b, "memory planned %.0f MB", r.PlannedMB)
	if r.RSSMB > 0 {
		fmt.Fprintf(&b, ", most of the process %.0f MB", r.RSSMB)
	}
	fmt.Fprintf(&b, "; a step allocates %.1f MB in %d pieces\n", float64(r.BytesStep)/1e6, r.AllocsStep)
	return b.String()
}
