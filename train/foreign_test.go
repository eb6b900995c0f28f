package train

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/core/preprocess"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/train/augment"
	"github.com/spinemask/spinemask/weights"
)

// Models of other systems learn by heart, too, on their own anchors, coding of boxes,
// RoIAlign and frozen norms: the loss of the same images falls.
func TestForeignModelsLearn(t *testing.T) {
	for _, c := range []struct {
		file   string // of random weights
		coding config.BoxCoding
		align  config.RoIAlignRule
		kept   int // arrays, but for rows of new classes
	}{
		{"../testdata/mmdet_tiny/tiny.pth", config.BoxCodingPlusOne, config.RoIAlignMMDet1, 0},
		{"../weights/testdata/detectron2_tiny.pkl", config.BoxCodingPlain, config.RoIAlignAdaptive, 6}, // whose background is the last class
	} {
		t.Run(c.file, func(t *testing.T) { learnFrom(t, c.file, c.coding, c.align, c.kept) })
	}
}

func learnFrom(t *testing.T, file string, coding config.BoxCoding, align config.RoIAlignRule, kept int) {
	f, err := weights.Open(file)
	require.NoError(t, err)
	defer f.Close()
	from, _, err := f.Config(weights.Options{})
	require.NoError(t, err)
	require.Equal(t, coding, from.Boxes.Coding)
	require.Equal(t, align, from.RoIAlign.Rule)
	set, read := blobs()
	start, err := From(from, f, from, set, 1)
	require.NoError(t, err)
	require.NotEmpty(t, start.Kept)
	require.GreaterOrEqual(t, len(start.Classes), kept)
	require.Equal(t, config.BackgroundFirst, start.Config.Background)
	r := small(60)
	r.Average, r.Norms.Frozen, r.ClipNorm = 0, true, 10
	r.Augment = Augment{Scale: [2]float64{1, 1}}
	r.Rate = Rate{Value: 0.003}
	tr, err := New(start.Config, start, set, r, &Options{Read: read})
	require.NoError(t, err)
	var losses []float64
	require.NoError(t, tr.Run(context.Background(), func(p Progress) error {
		losses = append(losses, p.Losses["model_loss"])
		return nil
	}))
	mean := func(v []float64) (m float64) {
		for _, x := range v {
			m += x / float64(len(v))
		}
		return m
	}
	t.Log(mean(losses[:10]), mean(losses[50:]))
	require.Less(t, mean(losses[50:]), 0.8*mean(losses[:10]))
}

// A picture of the input's size is shown to a network in training as it is shown to it
// afterwards, whatever the unit of its colours and their order.
func TestTrainingSeesWhatSegmentingSees(t *testing.T) {
	caffe := func(v string) (*config.Config, error) {
		c, err := config.MMDet3(v)
		if err == nil {
			c.CaffeStyle()
		}
		return c, err
	}
	r := rand.New(rand.NewPCG(1, 2))
	const height, width = 96, 160
	picture := &augment.Picture{Height: height, Width: width, Pix: make([]byte, 3*height*width)}
	for i := range picture.Pix {
		picture.Pix[i] = byte(r.Uint32())
	}
	for name, family := range map[string]func() (*config.Config, error){
		"torchvision": func() (*config.Config, error) { return config.Torchvision("v1") },
		"detectron2":  func() (*config.Config, error) { return config.Detectron2("r50") },
		"mmdet1":      func() (*config.Config, error) { return config.MMDet("49") },
		"mmdet2":      func() (*config.Config, error) { return config.MMDet2("r50") },
		"mmdet3":      func() (*config.Config, error) { return config.MMDet3("r50") },
		"caffe":       func() (*config.Config, error) { return caffe("r50") },
		"garden":      func() (*config.Config, error) { return config.TF2("49") },
	} {
		c, err := family()
		require.NoError(t, err)
		in := c.Input
		in.PadMultiple = 32
		if in.HasSize() {
			in.Height, in.Width = height, width
		} else {
			in.MinSize, in.MaxSize = height, width
		}
		g, err := preprocess.Fit(&in, picture.Height, picture.Width)
		require.NoError(t, err)
		resizer := preprocess.NewResizer(&in)
		resizer.Start(g, picture.Pix)
		want, got := make([]float32, 3*height*width), make([]float32, 3*height*width)
		resizer.Rows(want, 3*width, 0, height, &preprocess.Scratch{})
		see(picture, nil, 0, &Augment{Scale: [2]float64{1, 1}}, &in, height, width, RegionSampling{}, 1, 0, 0, func(y int) []float32 { return got[3*width*y:][:3*width] })
		testutil.RequireClose(t, want, got, 2e-6, name)
	}
}
