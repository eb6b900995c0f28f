package roialign

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/kernels"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/internal/testkit/testweights/formula"
	"github.com/stretchr/testify/require"
)

var (
	tf          = config.RoIAlign{Rule: config.RoIAlignTF, LevelRule: config.LevelRuleTF, MinLevel: 3, MaxLevel: 7, CanonicalLevel: 4, CanonicalSize: 224}
	torchvision = config.RoIAlign{Rule: config.RoIAlignLegacy, LevelRule: config.LevelRuleTorchvision, MinLevel: 2, MaxLevel: 5, CanonicalLevel: 4, CanonicalSize: 224}
	adaptive    = config.RoIAlign{Rule: config.RoIAlignAdaptive, LevelRule: config.LevelRuleDetectron2, MinLevel: 2, MaxLevel: 5, CanonicalLevel: 4, CanonicalSize: 224}
	mmdet       = config.RoIAlign{Rule: config.RoIAlignMMDet1, LevelRule: config.LevelRuleMMDet1, MinLevel: 3, MaxLevel: 6, CanonicalLevel: 3, CanonicalSize: 56}
)

// align runs Align into tight crops.
func align(c *config.RoIAlign, set *kernels.Set, size int, maps []Map, photo box.Size, boxes []box.Box) []float32 {
	item := size * size * maps[0].Channels
	out := make([]float32, len(boxes)*item)
	New(c, set).Align(Crops{out, item, size * maps[0].Channels}, size, maps, photo, boxes)
	return out
}

// pyramid reads maps of levels 3…7 called by the format name.
func pyramid(t testing.TB, f testutil.Tensors, name string) []Map {
	var maps []Map
	for l := 3; l <= 7; l++ {
		x := f.Get(t, fmt.Sprintf(name, l))
		maps = append(maps, Map{x.Data, x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[1] * x.Shape[2]})
	}
	return maps
}

func rows(x testutil.Tensor) []box.Box {
	var out []box.Box
	for i := 0; i < len(x.Data); i += 4 {
		out = append(out, box.Box{Y1: x.Data[i], X1: x.Data[i+1], Y2: x.Data[i+2], X2: x.Data[i+3]})
	}
	return out
}

// tpu and Garden: ops/spatial_transform_ops.py, multilevel_crop_and_resize.
func TestAlignEqualsTF(t *testing.T) {
	tf1, tf2 := testutil.Load(t, "testdata/tf1.safetensors"), testutil.Load(t, "testdata/tf2.safetensors")
	for _, set := range kernels.Sets() {
		for i, size := range []int{7, 14} {
			boxes := rows(tf1.Get(t, fmt.Sprintf("roi_align/%d/boxes", i)))
			got := align(&tf, set, size, pyramid(t, tf1, fmt.Sprintf("roi_align/%d/feature_%%d", i)), box.Size{}, boxes)
			testutil.RequireClose(t, tf1.Get(t, fmt.Sprintf("roi_align/%d/out_crops", i)).Data, got, 1e-6, set.Name)

			boxes = rows(tf2.Get(t, "multilevel_crop_and_resize.0.in.boxes"))
			got = align(&tf, set, size, pyramid(t, tf2, "multilevel_crop_and_resize.0.in.level_%d"), box.Size{}, boxes)
			testutil.RequireClose(t, tf2.Get(t, fmt.Sprintf("multilevel_crop_and_resize.%d.out.crops", i)).Data, got, 1e-6, set.Name)
		}
	}
}

func TestAlignForWholeNetworks(t *testing.T) {
	for _, test := range []struct {
		path, boxes, crops string
		size               int
	}{
		{"models/nuclei/golden/tensors_256.safetensors", "proposals", "roi_features", 7},
		{"models/nuclei/golden/tensors_256.safetensors", "detection_boxes", "mask_roi_features", 14},
		{"fixtures/tf1_spinenet49s_mrcnn/tensors_256.safetensors", "proposals", "roi_features", 7},
		{"fixtures/tf1_spinenet49s_mrcnn/tensors_256.safetensors", "detection_boxes", "mask_roi_features", 14},
	} {
		f := testutil.Load(t, testutil.Shared(t, test.path))
		want := f.Get(t, test.crops)
		got := align(&tf, kernels.Best(), test.size, pyramid(t, f, "P%d"), box.Size{}, rows(f.Get(t, test.boxes))[:want.Shape[0]])
		// The nuclei goldens come from PyTorch code that rounds positions differently.
		testutil.RequireClose(t, want.Data, got, 4e-6, test.path, test.crops)
		require.LessOrEqual(t, testutil.RelRMS(want.Data, got), 2e-6, test.path)
	}
}

// torchvisionMaps are the formula features of the fixture as NHWC, and its boxes.
func torchvisionMaps(t testing.TB, f testutil.Tensors) ([]Map, []box.Box) {
	var maps []Map
	for i, s := range [][2]int{{32, 48}, {16, 24}, {8, 12}, {4, 6}} {
		maps = append(maps, hwc(formula.Values(fmt.Sprintf("ops/f%d", i), 4*s[0]*s[1], 1, 0), 4, s[0], s[1]))
	}
	var boxes []box.Box
	for x := f.Get(t, "roi.boxes").Data; len(x) > 0; x = x[4:] {
		boxes = append(boxes, box.Box{Y1: x[1], X1: x[0], Y2: x[3], X2: x[2]})
	}
	return maps, boxes
}

func hwc(chw []float32, c, h, w int) Map {
	m := Map{make([]float32, c*h*w), h, w, c, w * c}
	for k := range c {
		for y := range h {
			for x := range w {
				m.Data[y*m.RowStride+x*c+k] = chw[(k*h+y)*w+x]
			}
		}
	}
	return m
}

// chw turns crops around, as PyTorch lays them out.
func chw(crops []float32, n, size, c int) []float32 {
	out := make([]float32, 0, len(crops))
	for i := range n {
		for k := range c {
			for p := range size * size {
				out = append(out, crops[(i*size*size+p)*c+k])
			}
		}
	}
	return out
}

// torchvision.ops: MultiScaleRoIAlign(size, 2), roi_align(size 7, scale 1/8, sampling 2, not aligned).
func TestAlignEqualsTorchvision(t *testing.T) {
	f := testutil.Load(t, "testdata/torchvision.safetensors")
	maps, boxes := torchvisionMaps(t, f)
	photo := box.Size{Height: 128, Width: 192}
	for _, set := range kernels.Sets() {
		for _, size := range []int{7, 14} {
			got := align(&torchvision, set, size, maps, photo, boxes)
			testutil.RequireClose(t, f.Get(t, fmt.Sprintf("roi.multi.%d", size)).Data, chw(got, len(boxes), size, 4), 1e-6, set.Name)
		}
		got := align(&torchvision, set, 7, maps[1:2], photo, boxes)
		testutil.RequireClose(t, f.Get(t, "roi.single.sr2.aligned0").Data, chw(got, len(boxes), 7, 4), 1e-6, set.Name)
	}
	a := New(&torchvision, kernels.Best())
	var s scales
	a.scales(&s, maps, photo)
	for i, want := range f.Get(t, "roi.levels").Data {
		require.Equal(t, int(want), a.level(boxes[i], &s)-s.min, "box %d", i)
	}
}

// The first 64 channels of torchvision's network at 213×320, padded to 224×320.
func TestAlignForTorchvisionNetwork(t *testing.T) {
	f := testutil.Load(t, testutil.Shared(t, "fixtures/torchvision_maskrcnn_resnet50_fpn/v1_stages_256_320.safetensors"))
	var maps []Map
	for l := range 4 {
		x := f.Get(t, fmt.Sprintf("fpn.%d", l))
		maps = append(maps, hwc(x.Data, 64, x.Shape[2], x.Shape[3]))
	}
	for _, test := range []struct {
		boxes, crops string
		size         int
	}{{"proposals", "box_roi_features_first32", 7}, {"det.boxes_network", "mask_roi_features_first4", 14}} {
		want := f.Get(t, test.crops)
		boxes := rows(f.Get(t, test.boxes))[:want.Shape[0]]
		for i, b := range boxes {
			boxes[i] = box.Box{Y1: b.X1, X1: b.Y1, Y2: b.X2, X2: b.Y2}
		}
		got := chw(align(&torchvision, kernels.Best(), test.size, maps, box.Size{Height: 213, Width: 320}, boxes), len(boxes), test.size, 64)
		item := test.size * test.size
		for i := range boxes {
			testutil.RequireClose(t, want.Data[i*256*item:][:64*item], got[i*64*item:][:64*item], 1.5e-5, test.crops, i)
		}
	}
}

// ramp is a map of one channel with value 10·y + x.
func ramp(height, width int) Map {
	m := Map{make([]float32, height*width), height, width, 1, width}
	for i := range m.Data {
		m.Data[i] = float32(10*(i/width) + i%width)
	}
	return m
}

// A ramp is its own interpolation, so a bin holds 10·y + x at its centre: by hand, on level 3 (one map pixel is 8 input pixels).
func TestAlignOnARamp(t *testing.T) {
	b := []box.Box{{Y1: 8, X1: 16, Y2: 24, X2: 32}} // y 1…3, x 2…4 on the map; two bins of one pixel each
	maps := []Map{ramp(6, 8)}
	for name, test := range map[string]struct {
		c    config.RoIAlign
		want []float32
	}{
		"tf":     {tf, []float32{15 + 2.5, 15 + 3.5, 25 + 2.5, 25 + 3.5}}, // centres y 1.5, 2.5, x 2.5, 3.5
		"legacy": {torchvision, []float32{15 + 2.5, 15 + 3.5, 25 + 2.5, 25 + 3.5}},
		// Ends are (24+1)/8 and (32+1)/8: bins of 1.0625, centres y 1.53125, 2.59375, x 2.53125, 3.59375.
		"mmdet1": {mmdet, []float32{15.3125 + 2.53125, 15.3125 + 3.59375, 25.9375 + 2.53125, 25.9375 + 3.59375}},
	} {
		c := test.c
		c.MinLevel, c.MaxLevel = 3, 3
		got := align(&c, kernels.Best(), 2, maps, box.Size{Height: 48, Width: 64}, b)
		require.InDeltaSlice(t, test.want, got, 1e-5, name)
	}
}

// Places past the last pixel repeat it; torchvision gives 0 from one pixel further on.
func TestAlignAtTheBorder(t *testing.T) {
	maps := []Map{ramp(4, 4)}
	b := []box.Box{{Y1: 0, X1: 24, Y2: 8, X2: 56}} // y 0…1, x 3…7: bins at x 4 and 6
	c := tf
	c.MaxLevel = 3
	require.InDeltaSlice(t, []float32{2.5 + 3, 2.5 + 3, 7.5 + 3, 7.5 + 3}, align(&c, kernels.Best(), 2, maps, box.Size{}, b), 1e-5)
	c = torchvision
	c.MinLevel, c.MaxLevel = 3, 3
	// Samples at x 3.5, 4.5, 5.5, 6.5: the first is pixel 3, the others lie beyond 4 and are 0.
	require.InDeltaSlice(t, []float32{(2.5 + 3) / 2, 0, (7.5 + 3) / 2, 0}, align(&c, kernels.Best(), 2, maps, box.Size{Height: 32, Width: 32}, b), 1e-5)
}

func TestLevels(t *testing.T) {
	for _, test := range []struct {
		c    config.RoIAlign
		side float32
		want int
	}{
		{tf, 0, 3}, {tf, 111.9, 3}, {tf, 112, 3}, {tf, 223.9, 3}, {tf, 224, 4}, {tf, 448, 5}, {tf, 1e6, 7},
		{torchvision, 1, 2}, {torchvision, 112, 3}, {torchvision, 224, 4}, {torchvision, 223.99999, 4}, {torchvision, 5000, 5},
		{mmdet, 0, 3}, {mmdet, 111, 4}, {mmdet, 110.9, 3}, {mmdet, 223, 5}, {mmdet, 1e6, 6},
		{tf, float32(math.NaN()), 3}, {tf, float32(math.Inf(1)), 7},
	} {
		s := scales{min: test.c.MinLevel, max: test.c.MaxLevel}
		require.Equal(t, test.want, New(&test.c, nil).level(box.Box{Y2: test.side, X2: test.side}, &s), "%s %g", test.c.LevelRule, test.side)
	}
}

// torchvision takes the scale from heights: 33 rows of photo padded to 64 count as if the maps were twice as fine.
func TestTorchvisionGuessesScales(t *testing.T) {
	maps := []Map{{Height: 16}, {Height: 8}, {Height: 4}, {Height: 2}}
	var s scales
	New(&torchvision, nil).scales(&s, maps, box.Size{Height: 33, Width: 1333})
	require.Equal(t, scales{min: 1, max: 4, of: [16]float32{0.5, 0.25, 0.125, 0.0625}}, s)

	detectron := torchvision // by detectron2's pooler, which knows the strides
	detectron.LevelRule = config.LevelRuleDetectron2
	New(&detectron, nil).scales(&s, maps, box.Size{Height: 33, Width: 1333})
	require.Equal(t, scales{min: 2, max: 5, of: [16]float32{0.25, 0.125, 0.0625, 0.03125}}, s)
}

// randomMaps are five levels of an input of the given side, with gaps between rows.
func randomMaps(side, channels int) []Map {
	r := rand.New(rand.NewPCG(1, 2))
	var maps []Map
	for l := 3; l <= 7; l++ {
		m := Map{Height: side >> l, Width: side >> l, Channels: channels, RowStride: (side>>l + 2) * channels}
		m.Data = make([]float32, m.Height*m.RowStride)
		for i := range m.Data {
			m.Data[i] = float32(r.NormFloat64())
		}
		maps = append(maps, m)
	}
	return maps
}

func randomBoxes(n int, side float64) []box.Box {
	r := rand.New(rand.NewPCG(3, 4))
	var boxes []box.Box
	for range n {
		y, x, h, w := r.Float64()*side, r.Float64()*side, 8*math.Pow(side/8, r.Float64()), 8*math.Pow(side/8, r.Float64())
		boxes = append(boxes, box.Box{Y1: float32(y - h/2), X1: float32(x - w/2), Y2: float32(y + h/2), X2: float32(x + w/2)}.Clip(box.Size{Height: float32(side), Width: float32(side)}))
	}
	return boxes
}

// Only the crops are written, in strides, and in parts as well as at once.
func TestAlignWritesCropsOnly(t *testing.T) {
	const size, channels, n = 7, 24, 40
	maps, boxes := randomMaps(256, channels), randomBoxes(n, 256)
	photo := box.Size{Height: 256, Width: 256}
	for _, c := range []config.RoIAlign{tf, torchvision, mmdet} {
		tight := align(&c, kernels.Best(), size, maps, photo, boxes)
		row, item := size*channels+5, size*(size*channels+5)+11
		data := make([]float32, n*item)
		for i := range data {
			data[i] = -77
		}
		a := New(&c, kernels.Best())
		a.Align(Crops{data, item, row}, size, maps, photo, boxes[:13])
		a.Align(Crops{data[13*item:], item, row}, size, maps, photo, boxes[13:])
		for i := range n {
			for y := range size {
				require.Equal(t, tight[(i*size+y)*size*channels:][:size*channels], data[i*item+y*row:][:size*channels])
				require.Equal(t, []float32{-77, -77, -77, -77, -77}, data[i*item+y*row+size*channels:][:5])
			}
		}
	}
}

func TestAlignSurvivesNonsense(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	maps := randomMaps(128, 8)
	for _, c := range []config.RoIAlign{tf, torchvision, mmdet} {
		align(&c, kernels.Best(), 7, maps, box.Size{Height: 128, Width: 128}, []box.Box{
			{Y1: nan, X1: nan, Y2: nan, X2: nan}, {Y1: -inf, X1: -inf, Y2: inf, X2: inf}, {Y1: 1e38, X1: 1e38, Y2: -1e38, X2: -1e38}, {Y1: 50, X1: 50, Y2: 10, X2: 10}, {Y1: 1e30, X1: 0, Y2: 1e31, X2: nan},
		})
	}
}

func TestAlignDoesNotAllocate(t *testing.T) {
	maps, boxes := randomMaps(256, 16), randomBoxes(20, 256)
	out := Crops{make([]float32, 20*49*16), 49 * 16, 7 * 16}
	for _, c := range []config.RoIAlign{tf, torchvision, mmdet} {
		a := New(&c, kernels.Best())
		require.Zero(t, testing.AllocsPerRun(3, func() { a.Align(out, 7, maps, box.Size{Height: 256, Width: 256}, boxes) }))
	}
}

func BenchmarkAlign(b *testing.B) {
	for _, test := range []struct {
		name     string
		c        config.RoIAlign
		channels int
		size, n  int
	}{{"tf/64x7/1000", tf, 64, 7, 1000}, {"tf/256x7/1000", tf, 256, 7, 1000}, {"tf/256x14/100", tf, 256, 14, 100}, {"legacy/256x7/1000", torchvision, 256, 7, 1000}} {
		maps, boxes := randomMaps(640, test.channels), randomBoxes(test.n, 640)
		out := Crops{make([]float32, test.n*test.size*test.size*test.channels), test.size * test.size * test.channels, test.size * test.channels}
		for _, set := range kernels.Sets() {
			b.Run(test.name+"/"+set.Name, func(b *testing.B) {
				a := New(&test.c, set)
				for b.Loop() {
					a.Align(out, test.size, maps, box.Size{Height: 640, Width: 640}, boxes)
				}
			})
		}
	}
}

// detectron2 02b5c4e2: modeling/poolers.py, ROIPooler with ROIAlignV2, and assign_boxes_to_levels.
func TestAlignEqualsDetectron2(t *testing.T) {
	f := testutil.Load(t, "testdata/detectron2.safetensors")
	c := config.RoIAlign{Rule: config.RoIAlignAdaptive, LevelRule: config.LevelRuleDetectron2, MinLevel: 2, MaxLevel: 5, CanonicalLevel: 4, CanonicalSize: 224}
	corners := func(name string) []box.Box {
		boxes := rows(f.Get(t, name))
		for i, b := range boxes { // x before y there
			boxes[i] = box.Box{Y1: b.X1, X1: b.Y1, Y2: b.X2, X2: b.Y2}
		}
		return boxes
	}
	last := func(data []float32, c, area int) []float32 { // channels
		out := make([]float32, len(data))
		for i := range data {
			out[i/(c*area)*c*area+i%area*c+i/area%c] = data[i]
		}
		return out
	}
	var maps []Map
	for l := 2; l <= 5; l++ {
		x := f.Get(t, fmt.Sprintf("roi_pooler.7.level_%d", l))
		c, h, w := x.Shape[0], x.Shape[1], x.Shape[2]
		maps = append(maps, Map{last(x.Data, c, h*w), h, w, c, w * c})
	}
	want := f.Get(t, "roi_pooler.7.out")
	for _, set := range kernels.Sets() {
		got := align(&c, set, 7, maps, box.Size{Height: 224, Width: 320}, corners("roi_pooler.7.boxes"))
		testutil.RequireClose(t, last(want.Data, want.Shape[1], 49), got, 3e-5, set.Name)
	}
	a := New(&c, kernels.Best())
	levels := f.Get(t, "levels.out").Data
	for i, b := range corners("levels.boxes") {
		require.Equal(t, int(levels[i]), a.level(b, &scales{min: 2, max: 5}), "box %v", b)
	}
}
