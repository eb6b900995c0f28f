package train

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/rle"
	"github.com/spinemask/spinemask/weights"
)

func nuclei(t testing.TB, n int) *dataset.Set {
	data, err := os.ReadFile("../testdata/nuclei_val.json")
	require.NoError(t, err)
	var file struct {
		Images []struct {
			ID            int
			FileName      string `json:"file_name"`
			Height, Width int
		}
		Annotations []struct {
			ImageID      int `json:"image_id"`
			Segmentation struct{ Counts string }
		}
	}
	require.NoError(t, json.Unmarshal(data, &file))
	s := &dataset.Set{Categories: []dataset.Category{{ID: 1, Name: "nucleus"}}}
	for _, im := range file.Images[:n] {
		d := dataset.Image{Name: im.FileName, Path: "../testdata/images/" + im.FileName, Height: im.Height, Width: im.Width}
		for _, a := range file.Annotations {
			if a.ImageID != im.ID {
				continue
			}
			m, err := rle.Decode(im.Height, im.Width, []byte(a.Segmentation.Counts))
			require.NoError(t, err)
			x, y, w, h := m.Bounds()
			d.Objects = append(d.Objects, dataset.Object{Mask: m, Box: box.Box{Y1: float32(y), X1: float32(x), Y2: float32(y + h), X2: float32(x + w)}})
		}
		s.Images = append(s.Images, d)
	}
	return s
}

func TestLearn(t *testing.T) {
	f, err := weights.Open("../models/nuclei/nuclei.safetensors")
	require.NoError(t, err)
	c, _, err := f.Config(weights.Options{})
	require.NoError(t, err)
	r := &Recipe{
		Name: "test", Batch: 4, Steps: 40, Height: 256, Width: 256,
		Rate: Rate{Value: 0.01, WarmupSteps: 10}, Momentum: 0.9, WeightDecay: 4e-5,
		Norms: Norms{Momentum: 0.9, Frozen: true}, Anchors: AnchorSampling{256, 0.5},
		Regions: RegionSampling{2000, 1000, 64, 0.25, 16, 56},
		Augment: Augment{Flip: 0.5, Turns: true, Scale: [2]float64{0.8, 1.25}},
	}
	tr, err := New(c, fileWeights{f}, nuclei(t, 8), r, nil)
	require.NoError(t, err)
	require.NoError(t, tr.Run(context.Background(), func(p Progress) error {
		if p.Step%5 == 1 {
			t.Log(p.Step, p.Took, p.Losses)
		}
		return nil
	}))
}

type fileWeights struct{ *weights.File }

func (w fileWeights) Float32(name string) ([]float32, error) {
	t, ok := w.Tensor(name)
	if !ok {
		return nil, os.ErrNotExist
	}
	return t.Float32(nil)
}
