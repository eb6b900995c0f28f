package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/engine"
	"github.com/spinemask/spinemask/graph"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/models/nuclei"
	"github.com/spinemask/spinemask/rle"
)

func newVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Check that this machine computes what it should",
		Long: `Check that this machine computes what it should: every kind of kernel that it can
run against the plain Go reference, and the built-in model against detections of
the system that trained it. The exit code is 1 if anything is beyond its bound.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			model, err := nuclei.Open(&spinemask.Options{MinScore: goldenScore, Raw: true})
			if err != nil {
				return err
			}
			defer model.Close()
			return verify(cmd.Context(), cmd.OutOrStdout(), model)
		},
	}
}

// A check is a difference and what it may be at most.
type check struct {
	name         string
	worst, bound float64
}

func verify(ctx context.Context, w io.Writer, model *spinemask.Model) error {
	checks, err := verifyKernels(ctx, model.Config())
	if err != nil {
		return err
	}
	detections, err := verifyDetections(ctx, model)
	if err != nil {
		return err
	}
	failed := 0
	fmt.Fprintf(w, "%s/%s, %s\n", runtime.GOOS, runtime.GOARCH, cpuFeatures())
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range append(checks, detections...) {
		verdict := "good"
		if !(c.worst <= c.bound) { // NaN is not good
			verdict = "WRONG"
			failed++
		}
		fmt.Fprintf(tab, "%s\t%s\t%.2g of at most %.2g\n", verdict, c.name, c.worst, c.bound)
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		return hinted{fmt.Errorf("%d of %d checks failed", failed, len(checks)+len(detections)), kernels.EnvCPU + "=generic computes without the processor's vector units"}
	}
	return nil
}

// ways are how a network is computed, and what each may differ from the direct way of plain Go.
var ways = []struct {
	name    string
	options engine.Options
	bound   float64
}{
	{"direct", engine.Options{NoWinograd: true}, 1e-5},
	{"winograd", engine.Options{}, 1e-4},
	{"fast", engine.Options{Fast: true}, 1e-3},
}

// verifyKernels runs the model's trunk with random weights on random pixels by each instruction set, and compares with plain Go.
func verifyKernels(ctx context.Context, c *config.Config) ([]check, error) {
	const side = 128
	n, err := network.Build(c)
	if err != nil {
		return nil, err
	}
	weights := randomWeights(n.Tensors())
	var checks []check
	var reference map[string][]float32
	for _, set := range kernels.Sets() {
		for _, way := range ways {
			if way.options.Fast && !set.HasSplit() {
				continue
			}
			o := way.options
			o.Kernels, o.Height, o.Width = set, side, side
			out, err := runTrunk(ctx, n.Trunk, weights, side, o)
			if err != nil {
				return nil, err
			}
			if reference == nil { // plain Go, as the convolutions are defined
				reference = out
				continue
			}
			checks = append(checks, check{fmt.Sprintf("kernels %s, %s: difference from plain Go, relative", set.Name, way.name), relative(reference, out), way.bound})
		}
	}
	return checks, nil
}

type weightTable map[string][]float32

func (t weightTable) Float32(name string) ([]float32, error) {
	if w, ok := t[name]; ok {
		return w, nil
	}
	return nil, fmt.Errorf("%s: missing", name)
}

// randomWeights keeps the size of activations about the same from layer to layer (He et al. 2015); all but kernels, which norms scale and shift by, lies about 1.
func randomWeights(tensors []graph.Tensor) weightTable {
	random := rand.New(rand.NewPCG(1, 1))
	table := weightTable{}
	for _, t := range tensors {
		size, fan := 1, 1
		for i, d := range t.Shape {
			size *= d
			if i < len(t.Shape)-1 {
				fan *= d
			}
		}
		w := make([]float32, size)
		for i := range w {
			if len(t.Shape) > 1 {
				w[i] = float32(random.NormFloat64() * math.Sqrt(2/float64(fan)))
			} else {
				w[i] = float32(0.75 + random.Float64()/2)
			}
		}
		table[t.Name] = w
	}
	return table
}

// runTrunk gives the maps that come out of a graph.
func runTrunk(ctx context.Context, g *graph.Graph, w engine.Weights, side int, o engine.Options) (map[string][]float32, error) {
	prepared, err := engine.Prepare(g, w, o)
	if err != nil {
		return nil, err
	}
	plan, err := prepared.Plan(side, side, 1)
	if err != nil {
		return nil, err
	}
	ws := plan.NewWorkspace(parallel.NewTeam(runtime.GOMAXPROCS(0)), new(engine.Arena))
	random := rand.New(rand.NewPCG(2, 2))
	eachValue(ws.Input("image"), func(v *float32) { *v = float32(random.NormFloat64()) })
	if err := ws.Run(ctx, 1); err != nil {
		return nil, err
	}
	out := map[string][]float32{}
	for _, o := range g.Outputs() {
		eachValue(ws.Output(o.Name), func(v *float32) { out[o.Name] = append(out[o.Name], *v) })
	}
	return out, nil
}

func eachValue(m engine.Map, visit func(*float32)) {
	for y := range m.Height {
		for x := range m.Width {
			p := m.Pixel(0, y, x)
			for i := range p {
				visit(&p[i])
			}
		}
	}
}

// relative is the largest root mean square difference of a map, relative to the map.
func relative(want, got map[string][]float32) float64 {
	worst := 0.0
	for name, a := range want {
		var diff, size float64
		for i, v := range a {
			d := float64(v) - float64(got[name][i])
			diff += d * d
			size += float64(v) * float64(v)
		}
		worst = max(worst, math.Sqrt(diff/size)) // NaN if one of them is
	}
	return worst
}

//go:embed golden/nuclei.png
var goldenImage []byte

//go:embed golden/nuclei.json
var goldenDetections []byte

// goldenScore is the lowest score among the golden detections.
const goldenScore = 0.5

// verifyDetections compares the detections in an image with those of the system that trained the model.
func verifyDetections(ctx context.Context, model *spinemask.Model) ([]check, error) {
	var want []struct {
		Score  float64    `json:"score"`
		Box    [4]float64 `json:"box_yxyx"`
		Counts string     `json:"counts"`
	}
	if err := json.Unmarshal(goldenDetections, &want); err != nil {
		return nil, err
	}
	img, err := imageio.Decode(bytes.NewReader(goldenImage), int64(len(goldenImage)), imageio.Options{})
	if err != nil {
		return nil, err
	}
	got, err := model.Segment(ctx, img)
	if err != nil {
		return nil, err
	}
	if len(got.Instances) == 0 {
		return nil, errors.New("the built-in model found nothing")
	}
	var box, score, mask float64
	for _, w := range want {
		m, err := rle.Decode(img.Height, img.Width, []byte(w.Counts))
		if err != nil {
			return nil, err
		}
		best := slices.MaxFunc(got.Instances, func(a, b spinemask.Instance) int {
			x, y := rle.IoU(a.Mask, m, false), rle.IoU(b.Mask, m, false)
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		mask = max(mask, 1-rle.IoU(best.Mask, m, false))
		score = max(score, math.Abs(float64(best.Score)-w.Score))
		for i, v := range []float32{best.Box.Y1, best.Box.X1, best.Box.Y2, best.Box.X2} {
			box = max(box, math.Abs(float64(v)-w.Box[i]))
		}
	}
	return []check{
		{"built-in model: number of detections, difference", math.Abs(float64(len(got.Instances) - len(want))), 1},
		{"built-in model: boxes, pixels", box, 0.05},
		{"built-in model: scores", score, 1e-3},
		{"built-in model: masks, 1 - intersection over union", mask, 0.01},
	}, nil
}
