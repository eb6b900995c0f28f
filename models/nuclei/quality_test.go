package nuclei

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/labeleval"
	"github.com/spinemask/spinemask/rle"
)

func readJSON(t testing.TB, path string, v any) {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, v))
}

// truth reads the masks of a COCO data set by file name.
func truth(t testing.TB, path string) map[string][]rle.Mask {
	var file struct {
		Images []struct {
			ID   int
			Name string `json:"file_name"`
		}
		Annotations []struct {
			Image        int `json:"image_id"`
			Segmentation struct {
				Size   [2]int
				Counts string
			}
		}
	}
	readJSON(t, path, &file)
	names, masks := map[int]string{}, map[string][]rle.Mask{}
	for _, img := range file.Images {
		names[img.ID] = img.Name
		masks[img.Name] = nil
	}
	for _, a := range file.Annotations {
		s := a.Segmentation
		mask, err := rle.Decode(s.Size[0], s.Size[1], []byte(s.Counts))
		require.NoError(t, err)
		masks[names[a.Image]] = append(masks[names[a.Image]], mask)
	}
	return masks
}

// Every image here scores what the reference implementation, with PyTorch's
// network, scored with it: the decoder of the file, the resize and all decisions
// are ours.
func TestScoresOfTheReference(t *testing.T) {
	checkScores(t, "testdata/val_scores.json", "../../testdata/nuclei_val.json", "../../testdata/images")
}

// The whole validation split.
func TestAllScoresOfTheReference(t *testing.T) {
	folder := testutil.Shared(t, "data", "nuclei")
	checkScores(t, "testdata/val_scores.json", filepath.Join(folder, "annotations", "instances_val.json"), filepath.Join(folder, "images"))
}

func checkScores(t *testing.T, scores, annotations, images string) {
	type score struct {
		Name  string `json:"file_name"`
		Found int
		Score float64 `json:"dsb"`
		At50  float64
	}
	var reference struct{ Images []score }
	readJSON(t, scores, &reference)
	m, err := Open(&spinemask.Options{MinScore: spinemask.DisplayScore})
	require.NoError(t, err)
	defer m.Close()
	all, checked := truth(t, annotations), 0
	for _, ref := range reference.Images {
		masks, here := all[ref.Name]
		if !here {
			continue
		}
		img, err := imageio.Open(filepath.Join(images, ref.Name), imageio.Options{})
		require.NoError(t, err)
		r, err := m.Segment(context.Background(), img)
		require.NoError(t, err)
		var found []rle.Mask
		for _, in := range r.Instances {
			found = append(found, in.Mask)
		}
		s := labeleval.Score(labeleval.CountMasks(masks, found))
		got, at50 := s.DSB(), s.DSBAt(0)
		t.Logf("%s: %.4f (%.4f), at 0.5 %.4f (%.4f), found %d (%d)", ref.Name, got, ref.Score, at50, ref.At50, len(found), ref.Found)
		require.InDelta(t, ref.Score, got, 1e-4, ref.Name)
		require.InDelta(t, ref.At50, at50, 1e-4, ref.Name)
		require.Len(t, found, ref.Found, ref.Name)
		checked++
	}
	require.Equal(t, len(all), checked)
}
