package maskhead

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/internal/testkit/testweights/formula"
	"github.com/spinemask/spinemask/rle"
	"github.com/stretchr/testify/require"
)

func paster(rule config.Paste) *Paster {
	p := NewPaster(&config.Masks{Paste: rule, Threshold: 0.5})
	return &p
}

// xywh pastes as TF's function is called.
func xywh(p *Paster, mask []float32, b []float32, height, width int) rle.Mask {
	p.builder.Reset(height, width)
	p.integer(mask, 28, b[0], b[1], b[2], b[3], height, width)
	return p.builder.Mask()
}

func readJSON(t testing.TB, path string, v any) {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, v))
}

func TestIntegerEqualsTF1(t *testing.T) {
	f := testutil.Load(t, "testdata/tf1.safetensors")
	var cases []struct {
		Height, Width int
		RLE           []string
	}
	readJSON(t, "testdata/tf1_rle.json", &cases)
	p := paster(config.PasteInteger)
	for i, c := range cases {
		masks, boxes := f.Get(t, fmt.Sprintf("paste/%d/masks", i)).Data, f.Get(t, fmt.Sprintf("paste/%d/boxes_xywh", i)).Data
		for k, want := range c.RLE {
			got := xywh(p, masks[k*784:][:784], boxes[4*k:], c.Height, c.Width)
			require.Equal(t, want, got.String(), "case %d mask %d", i, k)
			require.NoError(t, got.Validate())
		}
	}
}

func TestIntegerEqualsTF2(t *testing.T) {
	f := testutil.Load(t, "testdata/tf2.safetensors")
	masks, boxes := f.Get(t, "paste_instance_masks.0.in.masks").Data, f.Get(t, "paste_instance_masks.0.in.boxes_xywh").Data
	want := f.Get(t, "paste_instance_masks.0.out.pasted")
	h, w := want.Shape[1], want.Shape[2]
	for k := range want.Shape[0] {
		requireBitmap(t, want.Data[k*h*w:][:h*w], 0, xywh(paster(config.PasteInteger), masks[k*784:][:784], boxes[4*k:], h, w))
	}
}

// requireBitmap compares with a bitmap, row after row, whose pixels are set above cut.
func requireBitmap(t testing.TB, want []float32, cut float32, got rle.Mask) {
	bits := make([]byte, len(want))
	for y := range got.H {
		for x := range got.W {
			if want[y*got.W+x] > cut {
				bits[y*got.W+x] = 1
			}
		}
	}
	require.Equal(t, rle.FromBitmap(got.H, got.W, bits), got)
}

// torchvision: paste_masks_in_image gives probabilities.
func TestBorderEqualsTorchvision(t *testing.T) {
	f := testutil.Load(t, "testdata/torchvision.safetensors")
	masks := formula.Values("ops/mask", 8*28*28, 0.5, 0.5)
	want, boxes := f.Get(t, "paste.out"), f.Get(t, "paste.boxes").Data
	for _, threshold := range []float64{0.5, 0.2, 0.7} {
		p := NewPaster(&config.Masks{Paste: config.PasteBorder, Threshold: threshold})
		for k := range 8 {
			b := boxes[4*k:]
			got := p.Paste(masks[k*784:][:784], 28, box.Box{Y1: b[1], X1: b[0], Y2: b[3], X2: b[2]}, 70, 90)
			requireBitmap(t, want.Data[k*70*90:][:70*90], float32(threshold), got)
		}
	}
}

// The definition of exact in numpy, and cv2.resize in the steps of the originals:
//
//	v = (np.arange(top, bottom) + .5 - y1) / max(y2 - y1, 1e-6) * n + .5   # u alike
//	v0 = np.clip(np.floor(v).astype(int), 0, n); fv = v - v0               # in the mask padded by 1
//	value = p[v0][:, u0] * (1 - fv) * (1 - fu) + …; pixel = value > .5
//
//	r = boxes.astype(np.int32); w = max(r[3] - r[1] + 1, 1)                # mmdet1
//	pixel = cv2.resize(mask, (w, h), interpolation=cv2.INTER_LINEAR) > .5
func TestPasteEqualsReferences(t *testing.T) {
	masks := testutil.Load(t, "testdata/tf1.safetensors").Get(t, "paste/0/masks").Data
	var cases []struct {
		Paste         config.Paste
		Mask          int
		Box           [4]float32
		Height, Width int
		Runs          []uint32
	}
	readJSON(t, "testdata/paste.json", &cases)
	for i, c := range cases {
		b := box.Box{Y1: c.Box[0], X1: c.Box[1], Y2: c.Box[2], X2: c.Box[3]}
		got := paster(c.Paste).Paste(masks[c.Mask*784:][:784], 28, b, c.Height, c.Width)
		require.Equal(t, c.Runs, got.Runs, "case %d: %s %v", i, c.Paste, b)
	}
}

// TF1's masks of the first detections on six photos: stored boxes (network frame), probabilities, and the result.
func TestIntegerForTF1Photos(t *testing.T) {
	root := testutil.Shared(t, "fixtures/tf1_spinenet49s_mrcnn")
	var photos struct {
		Images []struct {
			ID            int    `json:"image_id"`
			File          string `json:"file_name"`
			Height, Width int
		}
		Results []struct {
			Image        int `json:"image_id"`
			BBox         [4]float32
			Segmentation struct{ Counts string }
		}
	}
	readJSON(t, root+"/detections_640.json", &photos)
	f := testutil.Load(t, root+"/detections_640.safetensors")
	next := 0
	for _, photo := range photos.Images {
		masks := f.Get(t, photo.File+"/mask_first8").Data
		for photos.Results[next].Image != photo.ID {
			next++
		}
		for k, want := range photos.Results[next : next+8] {
			got := xywh(paster(config.PasteInteger), masks[k*784:][:784], want.BBox[:], photo.Height, photo.Width)
			require.Equal(t, want.Segmentation.Counts, got.String(), "%s %d", photo.File, k)
		}
	}
}

// TF2's masks of the first detections of a photo, from stored logits.
func TestIntegerForTF2Photo(t *testing.T) {
	root := testutil.Shared(t, "fixtures/tf2_spinenet_mrcnn")
	var photos struct {
		Images []struct {
			Height, Width int
			Results       []struct {
				BBox         [4]float32
				Segmentation struct{ Counts string }
			}
		}
	}
	readJSON(t, root+"/detections_a.json", &photos)
	logits := testutil.Load(t, root+"/tensors_a.safetensors").Get(t, "a/mask_logits_0_24").Data
	photo := photos.Images[0]
	mask := make([]float32, 784)
	for k, want := range photo.Results[:24] {
		for i := range mask {
			mask[i] = float32(1 / (1 + math.Exp(-float64(logits[k*784+i]))))
		}
		got := xywh(paster(config.PasteInteger), mask, want.BBox[:], photo.Height, photo.Width)
		require.Equal(t, want.Segmentation.Counts, got.String(), k)
	}
}

// torchvision's masks of the first detections of a photo, from stored boxes and probabilities.
func TestBorderForTorchvisionPhoto(t *testing.T) {
	root := testutil.Shared(t, "fixtures/torchvision_maskrcnn_resnet50_fpn")
	var photo struct {
		Detections []struct {
			Segmentation struct {
				Size   [2]int
				Counts string
			}
		}
	}
	readJSON(t, root+"/v1_stages_256_320.json", &photo)
	f := testutil.Load(t, root+"/v1_stages_256_320.safetensors")
	masks, boxes := f.Get(t, "mask_prob_first16").Data, f.Get(t, "det.boxes_image").Data
	for k, want := range photo.Detections[:16] {
		b := boxes[4*k:]
		size := want.Segmentation.Size
		got := paster(config.PasteBorder).Paste(masks[k*784:][:784], 28, box.Box{Y1: b[1], X1: b[0], Y2: b[3], X2: b[2]}, size[0], size[1])
		require.Equal(t, want.Segmentation.Counts, got.String(), k)
	}
}

// A pixel of the photo is set when its centre lies in the box: with a mask that is certain everywhere, and n large, that is all there is to see.
func TestExactCoversTheBox(t *testing.T) {
	const n = 112 // the mask fades over half of its outer pixels
	mask := make([]float32, n*n)
	for i := range mask {
		mask[i] = 1
	}
	for _, test := range []struct {
		b          box.Box
		x, y, w, h int
	}{
		{box.Box{Y1: 2, X1: 3, Y2: 12, X2: 23}, 3, 2, 20, 10},
		{box.Box{Y1: 2.4, X1: 3.4, Y2: 11.6, X2: 22.6}, 3, 2, 20, 10},
		{box.Box{Y1: 2.6, X1: 3.6, Y2: 11.4, X2: 22.4}, 4, 3, 18, 8},
		{box.Box{Y1: -20, X1: -20, Y2: 200, X2: 200}, 0, 0, 40, 30},
		{box.Box{Y1: -20, X1: 35, Y2: 5, X2: 70}, 35, 0, 5, 5},
		{box.Box{Y1: 5.1, X1: 5.1, Y2: 5.4, X2: 5.4}, 0, 0, 0, 0},
		{box.Box{Y1: 50, X1: 50, Y2: 60, X2: 60}, 0, 0, 0, 0},
	} {
		got := paster(config.PasteExact).Paste(mask, n, test.b, 30, 40)
		require.Equal(t, rle.FromBox(float64(test.x), float64(test.y), float64(test.w), float64(test.h), 30, 40).Area(), got.Area(), "%v", test.b)
		x, y, w, h := got.Bounds()
		require.Equal(t, [4]int{test.x, test.y, test.w, test.h}, [4]int{x, y, w, h}, "%v", test.b)
	}
}

// Cropping a shape to 28×28 and pasting it back gives the shape.
func TestPasteUndoesCrop(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, rule := range []config.Paste{config.PasteExact, config.PasteInteger, config.PasteBorder, config.PasteMMDet1} {
		sum := 0.0
		const trials = 40
		for range trials {
			// An ellipse with centre (cx, cy), turned by angle.
			cx, cy, a, b, angle := 80+r.Float64()*40, 80+r.Float64()*40, 20+r.Float64()*40, 15+r.Float64()*30, r.Float64()*math.Pi
			inside := func(x, y float64) float32 {
				u, v := (x-cx)*math.Cos(angle)+(y-cy)*math.Sin(angle), (y-cy)*math.Cos(angle)-(x-cx)*math.Sin(angle)
				if u*u/a/a+v*v/b/b <= 1 {
					return 1
				}
				return 0
			}
			bits := make([]byte, 200*200)
			for x := range 200 {
				for y := range 200 {
					bits[y*200+x] = byte(inside(float64(x)+0.5, float64(y)+0.5))
				}
			}
			shape := rle.FromBitmap(200, 200, bits)
			x, y, w, h := shape.Bounds()
			mask := make([]float32, 784)
			for i := range mask { // the share of each of the 28×28 parts of the box, from 8×8 samples
				for k := range 64 {
					mask[i] += inside(float64(x)+(float64(i%28)+(float64(k%8)+0.5)/8)*float64(w)/28, float64(y)+(float64(i/28)+(float64(k/8)+0.5)/8)*float64(h)/28) / 64
				}
			}
			got := paster(rule).Paste(mask, 28, box.Box{Y1: float32(y), X1: float32(x), Y2: float32(y + h), X2: float32(x + w)}, 200, 200)
			require.NoError(t, got.Validate())
			sum += rle.IoU(got, shape, false)
		}
		require.Greater(t, sum/trials, 0.94, rule)
	}
}

func TestPasteSurvivesNonsense(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	mask := make([]float32, 784)
	for i := range mask {
		mask[i] = []float32{nan, inf, -inf, 1}[i%4]
	}
	for _, rule := range []config.Paste{config.PasteExact, config.PasteInteger, config.PasteBorder, config.PasteMMDet1} {
		p := paster(rule)
		for _, b := range []box.Box{
			{Y1: nan, X1: nan, Y2: nan, X2: nan}, {Y1: -inf, X1: -inf, Y2: inf, X2: inf}, {Y1: 1e30, X1: 0, Y2: 1e31, X2: 5}, {Y1: 20, X1: 20, Y2: 5, X2: 5},
			{Y1: 9e8, X1: 9e8, Y2: 9.5e8, X2: 9.5e8}, {Y1: -9e8, X1: -9e8, Y2: 9e8, X2: 9e8}, {}, {Y1: 3, X1: 3, Y2: 9, X2: 9},
		} {
			m := p.Paste(mask, 28, b, 30, 40)
			require.NoError(t, m.Validate(), "%s %v", rule, b)
		}
		require.NoError(t, p.Paste(mask[:4], 2, box.Box{Y1: 1, X1: 1, Y2: 20, X2: 20}, 30, 40).Validate())
	}
}

func BenchmarkPaste(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	mask := make([]float32, 784)
	for i := range mask {
		y, x := float64(i/28)-13.5, float64(i%28)-13.5
		mask[i] = float32(1 / (1 + math.Exp((math.Hypot(y, x)-11)*2+r.NormFloat64()*0.3)))
	}
	for _, side := range []float32{30, 200, 1500} {
		for _, rule := range []config.Paste{config.PasteExact, config.PasteInteger} {
			b.Run(fmt.Sprintf("%s/%g", rule, side), func(b *testing.B) {
				p := paster(rule)
				for b.Loop() {
					p.Paste(mask, 28, box.Box{Y1: 20.3, X1: 30.7, Y2: 20.3 + side, X2: 30.7 + side}, 3000, 4000)
				}
			})
		}
	}
}
