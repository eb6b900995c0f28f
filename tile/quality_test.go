package tile_test

import (
	"bytes"
	"encoding/json"
	"image"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/models/nuclei"
	"github.com/spinemask/spinemask/rle"
	"github.com/spinemask/spinemask/tile"
)

// A scene is a picture whose nuclei are known.
type scene struct {
	photo *imageio.Image
	truth []rle.Mask
}

// committed reads images of testdata/images with their truth.
func committed(t *testing.T, names ...string) []*scene {
	data, err := os.ReadFile("../testdata/nuclei_val.json")
	require.NoError(t, err)
	var set struct {
		Images []struct {
			ID       int    `json:"id"`
			FileName string `json:"file_name"`
		} `json:"images"`
		Annotations []struct {
			ImageID      int `json:"image_id"`
			Segmentation struct {
				Size   [2]int `json:"size"`
				Counts string `json:"counts"`
			} `json:"segmentation"`
		} `json:"annotations"`
	}
	require.NoError(t, json.Unmarshal(data, &set))
	list := make([]*scene, len(names))
	byID := map[int]*scene{}
	for _, im := range set.Images {
		i := slices.Index(names, im.FileName)
		if i < 0 {
			continue
		}
		photo, err := imageio.Open("../testdata/images/"+im.FileName, imageio.Options{})
		require.NoError(t, err)
		list[i] = &scene{photo: photo}
		byID[im.ID] = list[i]
	}
	for _, a := range set.Annotations {
		if s := byID[a.ImageID]; s != nil {
			mask, err := rle.Decode(a.Segmentation.Size[0], a.Segmentation.Size[1], []byte(a.Segmentation.Counts))
			require.NoError(t, err)
			s.truth = append(s.truth, mask)
		}
	}
	return list
}

// mosaic puts scenes of one size side by side, in rows.
func mosaic(list []*scene, columns int) *scene {
	width, height := list[0].photo.Width, list[0].photo.Height
	all := &scene{photo: imageio.New(width*columns, height*(len(list)/columns))}
	for i, s := range list {
		at := image.Pt(i%columns*width, i/columns*height)
		for y := range height {
			copy(all.photo.Pix[3*((at.Y+y)*all.photo.Width+at.X):][:3*width], s.photo.Pix[3*y*width:])
		}
		for _, mask := range s.truth {
			bits := make([]byte, all.photo.Width*all.photo.Height)
			for p, set := range mask.Bitmap() {
				bits[(at.Y+p/width)*all.photo.Width+at.X+p%width] = set
			}
			all.truth = append(all.truth, rle.FromBitmap(all.photo.Height, all.photo.Width, bits))
		}
	}
	return all
}

// maskAP is COCO's, of any number of detections.
func maskAP(t *testing.T, scenes []*scene, results []*spinemask.Result) float64 {
	type object map[string]any
	set := object{"categories": []object{{"id": 1, "name": "nucleus"}}}
	var images, annotations []object
	for i, s := range scenes {
		images = append(images, object{"id": i + 1, "width": s.photo.Width, "height": s.photo.Height})
		for _, m := range s.truth {
			x, y, w, h := m.Bounds()
			annotations = append(annotations, object{
				"id": len(annotations) + 1, "image_id": i + 1, "category_id": 1, "iscrowd": 0, "area": m.Area(), "bbox": []int{x, y, w, h},
				"segmentation": object{"size": []int{m.H, m.W}, "counts": m.String()},
			})
		}
	}
	set["images"], set["annotations"] = images, annotations
	var b bytes.Buffer
	require.NoError(t, json.NewEncoder(&b).Encode(set))
	truth, err := coco.ParseDataset(b.Bytes(), "mosaic", cocoeval.Segm.Fields())
	require.NoError(t, err)
	p := cocoeval.NewParams(cocoeval.Segm, cocoeval.COCO)
	p.MaxDets, p.Mode = []int{10, 100, 10000}, cocoeval.Corrected
	e, err := cocoeval.New(truth, p)
	require.NoError(t, err)
	for i, r := range results {
		var list []cocoeval.Detection
		for _, in := range r.Instances {
			list = append(list, cocoeval.Detection{CategoryID: 1, Score: float64(in.Score), Mask: in.Mask})
		}
		require.NoError(t, e.Add(int64(i+1), list))
	}
	v, err := e.Evaluate()
	require.NoError(t, err)
	return v.Stats()[0].Value
}

// falsePieces counts the instances that a person is shown which lie in a nucleus by four fifths but are not it, with an IoU of less than a half.
func falsePieces(scenes []*scene, results []*spinemask.Result) (pieces int) {
	for i, s := range scenes {
		for _, in := range results[i].Instances {
			if in.Score < 0.8 {
				continue
			}
			iou, inside := 0.0, 0.0
			for _, m := range s.truth {
				iou = max(iou, rle.IoU(in.Mask, m, false))
				inside = max(inside, float64(rle.IntersectionArea(in.Mask.Runs, m.Runs))/float64(in.Mask.Area()))
			}
			if iou < 0.5 && inside >= 0.8 {
				pieces++
			}
		}
	}
	return pieces
}

// Tiles cost little: on mosaics of the committed images, mask AP is about that of the images alone, with hardly more false pieces. Shown as a whole, which is the
// other way to see a large picture, the mosaics lose most of their nuclei.
func TestMosaicsInTilesAreAsGoodAsTheirImages(t *testing.T) {
	model, err := nuclei.Open(&spinemask.Options{Workspaces: 2})
	require.NoError(t, err)
	defer model.Close()
	for _, c := range []struct {
		images        []string
		columns, size int
	}{
		{[]string{"12f89395ad5d2149.png", "e50ac10d1dce6496.png", "d35f25c8e3f7fca5.png"}, 3, 256},
		{[]string{"547ef286ee5f4e5d.png", "b24ea5c268469a95.png"}, 2, 512},
	} {
		images := committed(t, c.images...)
		alone := find(t, model, images, tile.Options{})
		whole := []*scene{mosaic(images, c.columns)}
		fitted := find(t, model, whole, tile.Options{})
		tiled := find(t, model, whole, tile.Options{Size: c.size, Overlap: c.size / 4, Workers: 2})
		ap, pieces := maskAP(t, whole, tiled), falsePieces(whole, tiled)
		t.Logf("alone %.3f, %d pieces; mosaic fitted %.3f; in tiles %.3f, %d pieces", maskAP(t, images, alone), falsePieces(images, alone), maskAP(t, whole, fitted), ap, pieces)
		require.Greater(t, ap, maskAP(t, images, alone)-0.02)
		require.Greater(t, ap, maskAP(t, whole, fitted)+0.15)
		nuclei := 0
		for _, s := range images {
			nuclei += len(s.truth)
		}
		require.LessOrEqual(t, pieces, falsePieces(images, alone)+nuclei/50)
	}
}

// find segments scenes, in tiles or, with a Size of 0, as they are.
func find(t *testing.T, model *spinemask.Model, scenes []*scene, o tile.Options) (results []*spinemask.Result) {
	for _, s := range scenes {
		find := func() (*spinemask.Result, error) { return model.Segment(t.Context(), s.photo) }
		if o.Size != 0 {
			find = func() (*spinemask.Result, error) { return tile.Segment(t.Context(), model.Segment, s.photo, o) }
		}
		r, err := find()
		require.NoError(t, err)
		results = append(results, r)
	}
	return results
}

// The size of the nuclei is found whatever the picture was enlarged or reduced by, and they are shown at one size, so that as many are found.
func TestAutoOfResizedPictures(t *testing.T) {
	model, err := nuclei.Open(&spinemask.Options{Workspaces: 2, MinScore: spinemask.DisplayScore})
	require.NoError(t, err)
	defer model.Close()
	s := committed(t, "12f89395ad5d2149.png")[0]
	var areas []uint64
	for _, m := range s.truth {
		areas = append(areas, m.Area())
	}
	slices.Sort(areas)
	truth := 2 * math.Sqrt(float64(areas[len(areas)/2])/math.Pi)
	for _, factor := range []float64{0.5, 3} {
		size := image.Rect(0, 0, int(float64(s.photo.Width)*factor), int(float64(s.photo.Height)*factor))
		resized := image.NewRGBA(size)
		draw.CatmullRom.Scale(resized, size, s.photo, s.photo.Bounds(), draw.Src, nil)
		r, seen, err := tile.Auto(t.Context(), model.Segment, model.Config(), resized, tile.Options{Workers: 2})
		require.NoError(t, err)
		t.Logf("×%g: %.1f px, of %.1f; %d nuclei of %d", factor, seen.Diameter, truth*factor, len(r.Instances), len(s.truth))
		require.InEpsilon(t, truth*factor, seen.Diameter, 0.1, "×%g", factor)
		require.InDelta(t, len(s.truth), len(r.Instances), 10, "×%g", factor)
	}
}
