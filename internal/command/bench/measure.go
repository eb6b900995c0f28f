package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/preprocess"
)

// Size of the photo of noise that is segmented, in pixels: that of most of
// COCO's.
const (
	photoHeight = 480
	photoWidth  = 640
)

// A Report says how long the way from the pixels of a photo to run-length masks
// took.
type Report struct {
	Model      string  `json:"model"`
	Height     int     `json:"height"` // of the network's input
	Width      int     `json:"width"`
	Proposals  int     `json:"proposals"`  // Mask R-CNN
	Detections int     `json:"detections"` // Mask R-CNN: of every run; RetinaNet: found in the photo of noise
	Runs       int     `json:"runs"`
	Threads    int     `json:"threads"`
	CPU        string  `json:"cpu"`
	Kernels    string  `json:"kernels"`     // instruction set and way of computing
	PeakGFLOPS float64 `json:"peak_gflops"` // of all threads, measured around the runs
	WeightMB   float64 `json:"weight_mb"`   // packed
	WinogradMB float64 `json:"winograd_mb"` // beside them, for Winograd's method
	RSSMB      float64 `json:"rss_mb"`      // most memory of the process so far; 0: unknown
	Total      Stage   `json:"total"`
	Stages     []Stage `json:"stages"` // in order
}

// A Stage is the whole way or a part of it.
type Stage struct {
	Name string `json:"name"`
	Timing
	GMAC float64 `json:"gmac"` // multiply-adds of the convolutions and dense layers as published, 10⁹
}

// GFLOPS is the speed in the fastest run: two operations per multiply-add, of
// the direct convolutions, so that Winograd's may pass the machine's peak.
func (s *Stage) GFLOPS() float64 { return 2 * s.GMAC / s.Best }

// Run measures so many runs of a network after one that is not counted.
func Run(ctx context.Context, n *Network, o *spinemask.Options, runs int) (*Report, error) {
	raw := *o
	raw.Raw = true // the weights have no meaning: their boxes may lie anywhere
	m, err := spinemask.New(n.Config, n.Weights, &raw)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	threads := o.Threads
	if threads < 1 {
		threads = runtime.GOMAXPROCS(0)
	}
	set := kernels.Best()
	r := &Report{
		Model: n.Config.Name, Runs: runs, Threads: threads,
		CPU: cpuName(), Kernels: set.Name, WeightMB: float64(m.WeightBytes()) / 1e6, WinogradMB: float64(m.WinogradBytes()) / 1e6,
	}
	switch {
	case o.NoWinograd:
		r.Kernels += " direct"
	case o.Fast && set.HasSplit():
		r.Kernels += " with AMX"
	}
	gmac, err := r.count(n)
	if err != nil {
		return nil, err
	}
	img := noise(photoHeight, photoWidth)
	var total []float64
	stages := map[string][]float64{}
	for i := range runs + 1 {
		r.PeakGFLOPS = max(r.PeakGFLOPS, peak(set, threads))
		parts, err := r.once(ctx, m, img)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			for _, s := range parts {
				r.Stages = append(r.Stages, Stage{Name: s.Name, GMAC: gmac[s.Name]})
			}
			continue
		}
		sum := 0.0
		for _, s := range parts {
			stages[s.Name] = append(stages[s.Name], s.Duration.Seconds())
			sum += s.Duration.Seconds()
		}
		total = append(total, sum)
	}
	r.Total = Stage{"total", timing(total), gmac["total"]}
	for i := range r.Stages {
		r.Stages[i].Timing = timing(stages[r.Stages[i].Name])
	}
	r.RSSMB = float64(peakRSS()) / 1e6
	return r, nil
}

// once runs the model over a picture and returns where the time went.
func (r *Report) once(ctx context.Context, m *spinemask.Model, img *imageio.Image) ([]spinemask.Stage, error) {
	if kind := m.Config().Model; kind == config.ModelClassification {
		start := time.Now()
		_, err := m.Classify(ctx, img, 5)
		return []spinemask.Stage{{Name: string(kind), Duration: time.Since(start)}}, err
	}
	result, err := m.Segment(ctx, img)
	if err != nil {
		return nil, err
	}
	r.Detections = len(result.Instances)
	if m.Config().Model == config.ModelMaskRCNN {
		r.Proposals = Proposals
		if r.Detections != Detections {
			return nil, fmt.Errorf("bench: %d masks, want %d", r.Detections, Detections)
		}
	}
	return result.Stages, nil
}

// count fills in the size of the input and returns the multiply-adds of the
// stages that have any, and their total.
func (r *Report) count(n *Network) (map[string]float64, error) {
	g, err := preprocess.Fit(&n.Config.Input, photoHeight, photoWidth)
	if err != nil {
		return nil, err
	}
	r.Height, r.Width = g.InputHeight, g.InputWidth
	graphs, err := network.Build(n.Config)
	if err != nil {
		return nil, err
	}
	gmac := map[string]float64{}
	for _, p := range graphs.Parts(n.Config, r.Height, r.Width, Proposals, Detections) {
		c, err := network.Count([]network.Part{p})
		if err != nil {
			return nil, err
		}
		gmac[p.Stage] = float64(c.MACs) / 1e9
		gmac["total"] += gmac[p.Stage]
	}
	gmac[string(config.ModelClassification)] = gmac["total"] // which is one stage
	return gmac, nil
}

// noise is a photo without meaning.
func noise(height, width int) *imageio.Image {
	img := imageio.New(width, height)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		img.Pix[i] = byte(r.Uint32())
	}
	return img
}
