package dataset_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/rle"
)

const photos = "../testdata/images"

// pictures are two of the committed images with their nuclei, and one more object with a
// hole and two parts.
func pictures(t *testing.T) []export.Picture {
	s, err := dataset.Open("../testdata/nuclei_val.json", dataset.Options{Images: photos})
	require.NoError(t, err)
	require.Empty(t, s.Problems)
	var list []export.Picture
	for i, im := range s.Images[:2] {
		p := export.Picture{Image: export.Image{ID: int64(i + 1), FileName: im.Name, Width: im.Width, Height: im.Height}}
		for _, o := range im.Objects {
			p.Instances = append(p.Instances, instance(o.Mask))
		}
		h, w := im.Height, im.Width
		ring := rle.Difference(rle.FromBox(2, 2, 30, 30, h, w), rle.FromBox(10, 10, 9, 9, h, w))
		p.Instances = append(p.Instances, instance(rle.Union(ring, rle.FromBox(40, 5, 12, 8, h, w))))
		p.RemoveOverlap()
		list = append(list, p)
	}
	return list
}

func instance(m rle.Mask) export.Instance {
	x, y, w, h := m.Bounds()
	return export.Instance{Category: 1, Name: "nucleus", Score: 0.5, Mask: m, Box: [4]float64{float64(x), float64(y), float64(w), float64(h)}}
}

// write writes a file of the test's folder.
func write(t *testing.T, file string, f func(w io.Writer) error) string {
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	out, err := os.Create(file)
	require.NoError(t, err)
	require.NoError(t, f(out))
	require.NoError(t, out.Close())
	return file
}

// What segment --save writes opens again, with the masks as exact as the format is.
func TestWhatSegmentWritesOpensAgain(t *testing.T) {
	list := pictures(t)
	categories := []export.Category{{ID: 1, Name: "nucleus"}}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	write(t, in("dataset.json"), func(w io.Writer) error {
		d := export.NewDataset(w, export.Info{}, categories)
		for i := range list {
			require.NoError(t, d.Add(&list[i]))
		}
		return d.Close()
	})
	for i := range list {
		p := &list[i]
		name := p.FileName[:len(p.FileName)-len(".png")]
		photo, err := filepath.Abs(filepath.Join(photos, p.FileName))
		require.NoError(t, err)
		source, err := filepath.Rel(in("labelme"), photo)
		require.NoError(t, err)
		write(t, in("labelme/"+name+".json"), func(w io.Writer) error { return export.Labelme(w, p, filepath.ToSlash(source)) })
		write(t, in("labels/"+name+".txt"), func(w io.Writer) error { return export.YOLO(w, p, categories) })
		write(t, in("geojson/"+name+".geojson"), func(w io.Writer) error { return export.GeoJSON(w, p, export.Annotation) })
		write(t, in("masks/"+name+".png"), func(w io.Writer) error { return export.InstanceMap(w, p) })
		write(t, in("masks32/"+name+".tif"), func(w io.Writer) error { return export.InstanceTIFF(w, p) })
		data, err := os.ReadFile(photo)
		require.NoError(t, err)
		write(t, in("images/"+p.FileName), func(w io.Writer) error { _, err := w.Write(data); return err })
	}
	write(t, in("labels.yaml"), func(w io.Writer) error { return export.YOLOData(w, "images", categories) })

	for _, c := range []struct {
		path, images string
		class        string
		least, mean  float64 // IoU
	}{
		{"dataset.json", photos, "nucleus", 0.96, 0.99},
		{"labelme", "", "nucleus", 1, 1},
		{"labels.yaml", "", "nucleus", 0.95, 0.999},
		{"geojson", photos, "nucleus", 0.96, 0.99},
		{"masks", photos, "object", 1, 1},
		{"masks32", photos, "object", 1, 1},
	} {
		s, err := dataset.Open(in(c.path), dataset.Options{Images: c.images})
		require.NoError(t, err, c.path)
		require.Empty(t, s.Problems, c.path)
		require.Nil(t, s.Validation)
		require.Len(t, s.Images, len(list), c.path)
		require.Equal(t, []string{c.class}, s.Titles())
		sum, n, least := 0.0, 0, 1.0
		for i := range list {
			im := s.Images[0]
			for _, other := range s.Images {
				if filepath.Base(other.Path) == list[i].FileName {
					im = other
				}
			}
			require.Len(t, im.Objects, len(list[i].Instances), c.path)
			for k, o := range im.Objects {
				iou := rle.IoU(o.Mask, list[i].Instances[k].Mask, false)
				sum, n, least = sum+iou, n+1, min(least, iou)
			}
		}
		require.GreaterOrEqual(t, least, c.least, c.path)
		require.GreaterOrEqual(t, sum/float64(n), c.mean, c.path)
	}
	_, err := dataset.Open(dir, dataset.Options{})
	require.ErrorContains(t, err, fmt.Sprintf("%s holds data sets of several kinds (COCO, GeoJSON, YOLO, label images, labelme)", dir))
}
