package overlay

import (
	"encoding/json"
	"flag"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/rle"
)

var look = flag.String("look", "", "folder for pictures of the truth of testdata/images, to look at")

// truth gives the annotations of testdata/nuclei_val.json by file name, with made-up scores.
func truth(t testing.TB) map[string][]Instance {
	var file struct {
		Images []struct {
			ID       int    `json:"id"`
			FileName string `json:"file_name"`
		}
		Annotations []struct {
			ImageID      int `json:"image_id"`
			Segmentation struct {
				Size   [2]int
				Counts string
			}
		}
	}
	data, err := os.ReadFile("../../../testdata/nuclei_val.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &file))
	name := map[int]string{}
	for _, im := range file.Images {
		name[im.ID] = im.FileName
	}
	out := map[string][]Instance{}
	for i, a := range file.Annotations {
		m, err := rle.Decode(a.Segmentation.Size[0], a.Segmentation.Size[1], []byte(a.Segmentation.Counts))
		require.NoError(t, err)
		out[name[a.ImageID]] = append(out[name[a.ImageID]], Instance{Mask: m, Label: "nucleus", Score: 1 - float32(i%15)/100})
	}
	return out
}

func open(t testing.TB, name string) *imageio.Image {
	photo, err := imageio.Open("../../../testdata/images/"+name, imageio.Options{})
	require.NoError(t, err)
	return photo
}

// With -look=FOLDER this leaves the pictures there.
func TestDrawGivesTheSamePictureTwice(t *testing.T) {
	all := truth(t)
	names := []string{"12f89395ad5d2149.png", "853a4c67900c411a.png"}
	if *look != "" {
		names = nil
		for name := range all {
			names = append(names, name)
		}
	}
	for _, name := range names {
		photo := open(t, name)
		first, err := Draw(photo, all[name])
		require.NoError(t, err)
		second, err := Draw(photo, all[name])
		require.NoError(t, err)
		require.Equal(t, first, second)
		if *look != "" {
			f, err := os.Create(filepath.Join(*look, name))
			require.NoError(t, err)
			require.NoError(t, png.Encode(f, first))
			require.NoError(t, f.Close())
		}
	}
}

func TestSmallPhotosAreEnlarged(t *testing.T) {
	for _, c := range []struct{ w, h, want int }{{256, 256, 3}, {320, 256, 3}, {696, 520, 2}, {4000, 3000, 1}, {600, 900, 1}, {20, 30, 8}, {1, 1, 8}, {15360, 40, 1}, {8000, 40, 2}} {
		require.Equal(t, c.want, enlargement(c.w, c.h), "%dx%d", c.w, c.h)
		m, err := Draw(imageio.New(c.w, c.h), nil)
		require.NoError(t, err)
		require.Equal(t, c.w*c.want, m.Rect.Dx())
		require.Greater(t, m.Rect.Dy(), c.h*c.want, "room for the caption")
	}
}

func TestDarkGreyPhotosAreBrightened(t *testing.T) {
	photo := imageio.New(30, 20)
	for i := range photo.Pix {
		photo.Pix[i] = byte(i / 3 % 20)
	}
	require.InDelta(t, 8, displayGain(photo), 0.01) // at most eightfold
	photo.Pix[0] = 5                                // one pixel has a colour
	require.Equal(t, 1.0, displayGain(photo))
	for i := range photo.Pix {
		photo.Pix[i] = 200
	}
	require.Equal(t, 1.0, displayGain(photo))
}

// A small instance that lies inside of a large one is not covered by it, whatever their order.
func TestSmallInstancesAreOnTop(t *testing.T) {
	large := Instance{Mask: rle.FromBox(50, 50, 500, 500, 640, 640)}
	small := Instance{Mask: rle.FromBox(280, 290, 60, 40, 640, 640)}
	photo := imageio.New(640, 640)
	for _, list := range [][]Instance{{large, small}, {small, large}} {
		m, err := Draw(photo, list)
		require.NoError(t, err)
		require.NotEqual(t, m.RGBAAt(100, 300), m.RGBAAt(300, 310), "areas")
		require.NotEqual(t, m.RGBAAt(50, 300), m.RGBAAt(280, 310), "outlines")
	}
}

func TestMasksMustFitThePhoto(t *testing.T) {
	_, err := Draw(imageio.New(20, 30), []Instance{{Mask: rle.FromBox(0, 0, 5, 5, 30, 20)}, {Mask: rle.FromBox(0, 0, 5, 5, 20, 30)}})
	require.EqualError(t, err, "overlay: instance 1: mask of 30x20 pixels, photo of 20x30")
	_, err = Draw(imageio.New(20, 30), []Instance{{Mask: rle.Mask{H: 30, W: 20, Runs: []uint32{0, 601}}}})
	require.ErrorContains(t, err, "overlay: instance 0: ")
}

func TestOutlinesLieOnTheBorder(t *testing.T) {
	const scale, width = 3.0, 2.0
	for _, in := range truth(t)["547ef286ee5f4e5d.png"][:60] {
		b := newBitmap(in.Mask)
		var border []point
		b.borders(func(edges []point) { border = append(border, edges...) })
		s := newShape(contours(in.Mask), scale, width, image.Rect(0, 0, in.Mask.W*scale, in.Mask.H*scale))
		for i, c := range s.outline {
			if c == 0 {
				continue
			}
			p := point{(float64(s.rect.Min.X+i%s.rect.Dx()) + 0.5) / scale, (float64(s.rect.Min.Y+i/s.rect.Dx()) + 0.5) / scale}
			nearest := math.Inf(1)
			for _, q := range border {
				nearest = min(nearest, math.Hypot(p.x-q.x, p.y-q.y))
			}
			// Half a pixel of smoothing, half of an edge to its middle, and the line with its soft rim.
			require.LessOrEqual(t, nearest, 0.5+0.5+(width+0.5)/scale)
		}
	}
}
