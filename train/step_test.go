package train

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/backprop"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/internal/testkit/testweights/formula"
	"github.com/spinemask/spinemask/train/loss"
	"github.com/spinemask/spinemask/train/optim"
	"github.com/spinemask/spinemask/train/target"
)

// stepFile is a fixture of whole steps of the Model Garden (tf-models-official
// 2.15.0): step_*.json beside step_*.safetensors and step_*_inputs.safetensors.
type stepFile struct {
	Kind   string
	Config struct {
		Size      [2]int
		Batch     int
		Classes   int
		Act       config.Activation
		Anchors   int
		Filters   int
		FC        int
		Rois      int
		Masks     int
		MaskCrop  int `json:"mask_crop"`
		Smoothing float64
		EMA       bool
	}
	Prefix   string `json:"formula_prefix"`
	Image    string
	Backbone struct {
		Endpoints int     `json:"endpoints_num_filters"`
		Scale     float64 `json:"filter_size_scale"`
		Alpha     float64 `json:"resample_alpha"`
		Repeats   int     `json:"block_repeats"`
	}
	Rates     []float64 `json:"learning_rates"`
	Losses    []map[string]float64
	Losses64  []map[string]float64
	L2        float64           `json:"l2_weight_decay"`
	Depth     map[string][2]any `json:"stochastic_depth"`
	Trainable [][4]any          // role, shape, in L2, has gradient
	Moving    [][2]any          // role, shape
	Weights   map[string][3]any // role → shape, a, c
}

func readStep(t *testing.T, kind string) (f stepFile, tensors, inputs testutil.Tensors) {
	folder := testutil.Shared(t, "fixtures", "tf2_training")
	data, err := os.ReadFile(folder + "/step_" + kind + ".json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &f))
	return f, testutil.Load(t, folder+"/step_"+kind+".safetensors"), testutil.Load(t, folder+"/step_"+kind+"_inputs.safetensors")
}

// given are weights of the fixture's formula, under our names.
type given map[string][]float32

func (g given) Float32(name string) ([]float32, error) {
	v, ok := g[name]
	if !ok {
		return nil, fmt.Errorf("%s: not in the fixture", name)
	}
	return v, nil
}

func (f *stepFile) weights(t *testing.T) given {
	g := given{}
	for role, w := range f.Weights {
		n := 1
		for _, d := range w[0].([]any) {
			n *= int(d.(float64))
		}
		name := ours(t, role)
		require.NotContains(t, g, name)
		g[name] = formula.Values(f.Prefix+role, n, float32(w[1].(float64)), float32(w[2].(float64)))
	}
	return g
}

// prefix of the image's formula: the argument of image('t/mrcnn/', …).
func (f *stepFile) fill(in *backprop.Map) {
	prefix := strings.Split(f.Image, "'")[1]
	h, w := f.Config.Size[0], f.Config.Size[1]
	fine := formula.Values(prefix+"image/fine", f.Config.Batch*h*w*3, 1, 0)
	mid := formula.Values(prefix+"image/16", f.Config.Batch*(h/16)*(w/16)*3, 1.5, 0)
	coarse := formula.Values(prefix+"image/64", f.Config.Batch*(h/64)*(w/64)*3, 1, 0)
	for b := range f.Config.Batch {
		for y := range h {
			row := in.Row(b, y)
			for i := range row {
				x, c := i/3, i%3
				v := fine[((b*h+y)*w+x)*3+c]
				v += mid[((b*(h/16)+y/16)*(w/16)+x/16)*3+c]
				v += coarse[((b*(h/64)+y/64)*(w/64)+x/64)*3+c]
				row[i] = v
			}
		}
	}
	in.ClearBorders()
}

// configure sets what the networks of all kinds have.
func (f *stepFile) configure(c *config.Config) {
	c.Activation = f.Config.Act
	c.NormEpsilon = 1e-3
	c.Categories = nil
	for i := 0; len(c.Categories) == 0 || c.Classes() < f.Config.Classes; i++ {
		c.Categories = append(c.Categories, config.Category{ID: i + 1})
	}
	c.Input.Height, c.Input.Width = f.Config.Size[0], f.Config.Size[1]
	c.Backbone.Endpoints, c.Backbone.FilterScale = f.Backbone.Endpoints, f.Backbone.Scale
	c.Backbone.ResampleAlpha, c.Backbone.BlockRepeats = f.Backbone.Alpha, f.Backbone.Repeats
	if c.Anchors.ScalesPerOctave > 0 {
		c.Anchors.ScalesPerOctave = f.Config.Anchors / 3
	}
}

func (f *stepFile) config(t *testing.T) *config.Config {
	c, err := config.TF2("49")
	require.NoError(t, err)
	f.configure(c)
	c.RPN.Filters, c.BoxHead.Filters, c.MaskHead.Filters = f.Config.Filters, f.Config.Filters, f.Config.Filters
	c.BoxHead.FC = []int{f.Config.FC}
	return c
}

// mrcnnTargets are the recorded labels and regions.
func (f *stepFile) mrcnnTargets(t *testing.T, in testutil.Tensors, c *config.Config) []targets {
	list := make([]targets, f.Config.Batch)
	scores := in.Get(t, "rpn_score_targets")
	each := scores.Shape[1]
	deltas := make([]float32, len(list)*each*4)
	for i, d := range in.Get(t, "rpn_box_targets").Data {
		at := in.Get(t, "rpn_box_index").Data[i/4*2:]
		deltas[(int(at[0])*each+int(at[1]))*4+i%4] = d
	}
	box4 := func(name string, i int) box.Box {
		d := in.Get(t, name).Data[4*i:]
		return box.Box{Y1: d[0], X1: d[1], Y2: d[2], X2: d[3]}
	}
	for b := range list {
		first := b * each
		for l := 3; l <= 7; l++ {
			n := (f.Config.Size[0] + 1<<l - 1) >> l * ((f.Config.Size[1] + 1<<l - 1) >> l) * f.Config.Anchors
			labels := make([]int8, n)
			for i := range labels {
				labels[i] = int8(scores.Data[first+i])
			}
			list[b].labels = append(list[b].labels, labels)
			list[b].deltas = append(list[b].deltas, deltas[4*first:4*(first+n)])
			first += n
		}
		for i := range f.Config.Rois {
			at := b*f.Config.Rois + i
			r := target.Region{Box: box4("rois", at), Class: int(in.Get(t, "roi_classes").Data[at]), Truth: int(in.Get(t, "roi_gt_indices").Data[at]), Matched: box4("roi_gt_boxes", at)}
			if r.Class > 0 {
				r.Deltas = target.Encode(r.Matched, r.Box, target.RegionWeights)
			}
			list[b].regions = append(list[b].regions, r)
		}
		list[b].masked = target.SampleMasks(list[b].regions, f.Config.Masks)
		crops, side := in.Get(t, "gt_masks"), f.Config.MaskCrop
		size := 2 * c.RoIAlign.MaskSize
		list[b].masks = make([]float32, f.Config.Masks*size*size)
		for i, r := range list[b].masked {
			if r.Class > 0 {
				target.CropMask(list[b].masks[i*size*size:][:size*size], size, crops.Data[(b*crops.Shape[1]+r.Truth)*side*side:][:side*side], side, r.Matched, r.Box)
			}
		}
	}
	return list
}

// Three steps of Mask R-CNN with the Garden's labels and regions, against the
// Garden's own: losses, every variable's gradient, weights, statistics. The
// tolerances are those of the fixture's README.
func TestStepsOfMaskRCNN(t *testing.T) {
	for _, kind := range []string{"mrcnn_swish", "mrcnn"} {
		t.Run(kind, func(t *testing.T) {
			f, want, in := readStep(t, kind)
			c := f.config(t)
			n, err := network.Build(c)
			require.NoError(t, err)
			params, err := backprop.NewParams(n.Tensors(), f.weights(t))
			require.NoError(t, err)
			require.Len(t, params.List, len(f.Weights))
			s := sizes{f.Config.Batch, f.Config.Size[0], f.Config.Size[1], f.Config.Rois, f.Config.Masks}
			m, err := newMaskRCNN(c, params, s, parallel.NewTeam(2), backprop.Options{Momentum: 0.99})
			require.NoError(t, err)
			of := f.mrcnnTargets(t, in, c)
			f.run(t, params, want, kind == "mrcnn", func() Losses {
				f.fill(m.trunk.Input("image"))
				require.NoError(t, m.trunk.Forward(context.Background()))
				losses, err := m.backward(context.Background(), of, nil)
				require.NoError(t, err)
				commit(m)
				return losses
			})
		})
	}
}

func commit(l learner) {
	for _, p := range l.programs() {
		p.Commit()
	}
}

// Three steps of RetinaNet with the Garden's labels and with the draws of its
// stochastic depth.
func TestStepsOfRetinaNet(t *testing.T) {
	f, want, in := readStep(t, "retina")
	c, err := config.TF2RetinaNet("49")
	require.NoError(t, err)
	f.configure(c)
	c.RetinaHead.Filters = f.Config.Filters
	n, err := network.Build(c)
	require.NoError(t, err)
	params, err := backprop.NewParams(n.Tensors(), f.weights(t))
	require.NoError(t, err)
	require.Len(t, params.List, len(f.Weights))
	m, err := newRetinaNet(c, params, sizes{batch: f.Config.Batch, height: f.Config.Size[0], width: f.Config.Size[1]}, parallel.NewTeam(2), backprop.Options{Momentum: 0.99})
	require.NoError(t, err)
	branches := m.trunk.Branches()
	for role, d := range f.Depth {
		var block, unit int
		_, err := fmt.Sscanf(role, "backbone.block.%d.group.%d", &block, &unit)
		require.NoError(t, err)
		place := fmt.Sprintf("backbone/block%02d/unit%d", block, unit)
		if block == 15 { // the block of level 2 that is not there
			require.NotContains(t, branches, place)
			continue
		}
		require.Contains(t, branches, place)
		require.InDelta(t, 0.2*float64(block+1)/16, d[0].(float64), 1e-9)
		var factors []float32
		for _, u := range d[1].([]any) {
			factors = append(factors, keepFactor(d[0].(float64), u.(float64)))
		}
		m.trunk.Keep(place, factors)
	}
	of := f.retinaTargets(t, in)
	f.run(t, params, want, false, func() Losses {
		f.fill(m.input())
		require.NoError(t, m.trunk.Forward(context.Background()))
		losses, err := m.backward(context.Background(), of, nil)
		require.NoError(t, err)
		commit(m)
		return losses
	})
}

func (f *stepFile) retinaTargets(t *testing.T, in testutil.Tensors) []denseTargets {
	list := make([]denseTargets, f.Config.Batch)
	classes := in.Get(t, "cls_targets")
	each := classes.Shape[1]
	deltas := make([]float32, len(list)*each*4)
	for i, d := range in.Get(t, "positive_box_targets").Data {
		at := in.Get(t, "positive_index").Data[i/4*2:]
		deltas[(int(at[0])*each+int(at[1]))*4+i%4] = d
	}
	for b := range list {
		first := b * each
		for l := 3; l <= 7; l++ {
			n := (f.Config.Size[0] + 1<<l - 1) >> l * ((f.Config.Size[1] + 1<<l - 1) >> l) * f.Config.Anchors
			class := make([]int16, n)
			for i := range class {
				class[i] = int16(classes.Data[first+i])
			}
			list[b].class = append(list[b].class, class)
			list[b].deltas = append(list[b].deltas, deltas[4*first:4*(first+n)])
			first += n
		}
	}
	return list
}

// Three steps of classification.
func TestStepsOfClassification(t *testing.T) {
	f, want, in := readStep(t, "cls")
	c, err := config.TF2Classification("49")
	require.NoError(t, err)
	f.configure(c)
	n, err := network.Build(c)
	require.NoError(t, err)
	params, err := backprop.NewParams(n.Tensors(), f.weights(t))
	require.NoError(t, err)
	require.Len(t, params.List, len(f.Weights))
	m, err := newClassification(c, params, sizes{batch: f.Config.Batch, height: f.Config.Size[0], width: f.Config.Size[1]}, f.Config.Smoothing, parallel.NewTeam(2), backprop.Options{Momentum: 0.99, Unbiased: true})
	require.NoError(t, err)
	f.run(t, params, want, false, func() Losses {
		f.fill(m.input())
		require.NoError(t, m.trunk.Forward(context.Background()))
		losses, err := m.backward(context.Background(), in.Get(t, "labels").Ints(), nil)
		require.NoError(t, err)
		commit(m)
		return losses
	})
}

// run makes the three steps and compares. With loose, what follows from a relu that
// opens in one run and not in the other is compared as the README says.
func (f *stepFile) run(t *testing.T, params *backprop.Params, want testutil.Tensors, loose bool, step func() Losses) {
	sgd := optim.SGD{Momentum: 0.9}
	velocity, start := map[string][]float32{}, map[string][]float32{}
	for _, p := range params.List {
		velocity[p.Name] = make([]float32, len(p.Value))
		start[p.Name] = append([]float32(nil), p.Value...)
	}
	for s := 1; s <= 3; s++ {
		if loose && s > 1 {
			return
		}
		params.ClearGrads()
		losses := step()
		l2 := 0.0
		for _, row := range f.Trainable {
			p := params.Get(ours(t, row[0].(string)))
			if row[2].(bool) {
				l2 += loss.L2(p.Value, f.L2, p.Grad)
			}
		}
		tolerance := map[bool][]float64{false: {2e-5, 3e-5, 1e-4}, true: {1e-4}}[loose][s-1]
		for name, v := range losses {
			if w, ok := f.Losses64[s-1][name]; ok {
				require.InEpsilon(t, w, v, tolerance, "step %d: %s", s, name)
			}
		}
		if s == 1 {
			require.InEpsilon(t, f.Losses64[0]["regularization_loss"], l2, 1e-6)
		}
		f.compareGradients(t, params, want, s, loose)
		for i, row := range f.Trainable {
			p := params.Get(ours(t, row[0].(string)))
			if row[3].(bool) {
				sgd.Update(p.Value, velocity[p.Name], p.Grad, f.Rates[s-1])
			}
			bound := 2e-3
			if loose {
				bound = 0.25
			}
			moved := float64(want.Get(t, fmt.Sprintf("weights%d/moved", s)).Data[i])
			samples := want.Get(t, fmt.Sprintf("weights%d/samples", s)).Data[8*i:][:8]
			for k, at := range formula.Samples(row[0].(string), len(p.Value), 8) {
				require.InDelta(t, samples[k], p.Value[at], bound*moved+3e-7*norm(start[p.Name]), "step %d: weight %s", s, row[0])
			}
		}
		for i, row := range f.Moving {
			p := params.Get(ours(t, row[0].(string)))
			name, bound := fmt.Sprintf("moving%d/samples", s), 1e-5
			if _, ok := want["moving64/samples"]; ok && s == 1 {
				name = "moving64/samples"
			}
			if s == 3 {
				bound = 2e-5
			}
			most := 0.0
			for _, v := range p.Value {
				most = max(most, math.Abs(float64(v)))
			}
			for k, at := range formula.Samples(row[0].(string), len(p.Value), 8) {
				require.InDelta(t, want.Get(t, name).Data[8*i+k], p.Value[at], bound*most, "step %d: %s", s, row[0])
			}
		}
	}
}

func norm(v []float32) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// compareGradients holds every variable's gradient against the Garden's: its norm
// and eight samples, and the whole of some.
func (f *stepFile) compareGradients(t *testing.T, params *backprop.Params, want testutil.Tensors, s int, loose bool) {
	norms := want.Get(t, fmt.Sprintf("grad%d/norm", s)).Data
	samples := want.Get(t, fmt.Sprintf("grad%d/samples", s)).Data
	if s == 1 {
		norms, samples = want.Get(t, "grad64/norm").Data, want.Get(t, "grad64/samples").Data
	}
	m := median(norms)
	bound := func(i int) float64 {
		if loose {
			return 0.25*float64(norms[i]) + 1e-2*m
		}
		return 2e-3*float64(norms[i]) + 1e-4*m
	}
	beyond := 0
	for i, row := range f.Trainable {
		role := row[0].(string)
		p := params.Get(ours(t, role))
		if !row[3].(bool) {
			continue
		}
		worst := math.Abs(norm(p.Grad) - float64(norms[i]))
		for k, at := range formula.Samples(role, len(p.Grad), 8) {
			worst = max(worst, math.Abs(float64(p.Grad[at]-samples[8*i+k])))
		}
		if whole, ok := want["grad/"+role]; ok && s == 1 {
			sum := 0.0
			for k, g := range p.Grad {
				sum += math.Pow(float64(g-whole.Data[k]), 2)
			}
			worst = max(worst, math.Sqrt(sum))
		}
		if worst > bound(i) && s == 3 {
			beyond++ // one max pool that chooses another value does that
			require.LessOrEqual(t, worst, 10*bound(i), "step %d: gradient of %s, whose norm is %g", s, role, norms[i])
			continue
		}
		require.LessOrEqual(t, worst, bound(i), "step %d: gradient of %s, whose norm is %g", s, role, norms[i])
	}
	require.LessOrEqual(t, beyond, len(f.Trainable)/10)
}

func median(v []float32) float64 {
	list := make([]float64, len(v))
	for i, x := range v {
		list[i] = float64(x)
	}
	slices.Sort(list)
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}
