package main

import (
	"bytes"
	"encoding/json"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// evalCase is a data set of two of the committed images, and a folder with them, both of which a test changes.
type evalCase struct {
	t      *testing.T
	dir    string // holds gt.json and images
	images []map[string]any
	set    map[string]any
}

const (
	square = "12f89395ad5d2149.png" // id 48, 256×256
	wide   = "2246874c8b5ba218.png" // id 95, 320×256
)

func newEvalCase(t *testing.T) *evalCase {
	t.Helper()
	c := &evalCase{t: t, dir: t.TempDir()}
	data, err := os.ReadFile("../../testdata/nuclei_val.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &c.set))
	keep := map[any]bool{}
	require.NoError(t, os.Mkdir(filepath.Join(c.dir, "images"), 0o755))
	var images []any
	for _, x := range c.set["images"].([]any) {
		im := x.(map[string]any)
		name := im["file_name"].(string)
		if name != square && name != wide {
			continue
		}
		images, keep[im["id"]] = append(images, im), true
		c.images = append(c.images, im)
		picture, err := os.ReadFile("../../testdata/images/" + name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(c.dir, "images", name), picture, 0o644))
	}
	require.Len(t, images, 2)
	c.set["images"] = images
	var annotations []any
	for _, a := range c.annotations() {
		if keep[a["image_id"]] {
			annotations = append(annotations, a)
		}
	}
	c.set["annotations"] = annotations
	return c
}

func (c *evalCase) annotations() (list []map[string]any) {
	for _, a := range c.set["annotations"].([]any) {
		list = append(list, a.(map[string]any))
	}
	return list
}

// imageIDs gives the images other ids.
func (c *evalCase) imageIDs(id func(old float64) any) {
	for _, im := range c.images {
		im["id"] = id(im["id"].(float64))
	}
	for _, a := range c.annotations() {
		a["image_id"] = id(a["image_id"].(float64))
	}
}

// category gives the only category another id and name, behind another category.
func (c *evalCase) category(id any, name string) {
	c.set["categories"] = []any{map[string]any{"id": 99, "name": "background"}, map[string]any{"id": id, "name": name}}
	if _, text := id.(string); text {
		c.set["categories"] = []any{map[string]any{"id": "bg", "name": "background"}, map[string]any{"id": id, "name": name}}
	}
	for _, a := range c.annotations() {
		a["category_id"] = id
	}
}

func (c *evalCase) rename(from, to string) {
	to = filepath.Join(c.dir, "images", to)
	require.NoError(c.t, os.MkdirAll(filepath.Dir(to), 0o755))
	require.NoError(c.t, os.Rename(filepath.Join(c.dir, "images", from), to))
}

// run writes the data set and runs the command over it.
func (c *evalCase) run(args ...string) (code int, stdout, stderr string) {
	c.t.Helper()
	data, err := json.Marshal(c.set)
	require.NoError(c.t, err)
	gt := filepath.Join(c.dir, "gt.json")
	require.NoError(c.t, os.WriteFile(gt, data, 0o644))
	return call(append([]string{"eval", gt, "--images", filepath.Join(c.dir, "images"), "--iou", "segm", "--max-dets", "10,100,400"}, args...)...)
}

// call runs the command within the test.
func call(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, &out, &err)
	return code, out.String(), err.String()
}

// Whatever a data set calls its images and categories, the numbers are those of the plain one.
func TestEvalFindsImagesAndClassesByName(t *testing.T) {
	code, want, _ := newEvalCase(t).run()
	require.Zero(t, code)
	require.Contains(t, want, "maxDets=400 ] = 0.")
	file := func(c *evalCase, f func(string) string) {
		for _, im := range c.images {
			im["file_name"] = f(im["file_name"].(string))
		}
	}
	for _, x := range []struct {
		name   string
		change func(c *evalCase)
		said   string
	}{
		{"folders of another system", func(c *evalCase) { file(c, func(s string) string { return `train\batch1\` + s }) }, ""},
		{"in a sub-folder, in capitals", func(c *evalCase) {
			c.rename(square, "deep/"+strings.ToUpper(square))
			c.rename(wide, strings.ToUpper(wide))
		}, ""},
		{"in decomposed Unicode", func(c *evalCase) {
			c.rename(square, norm.NFD.String("Zählung.png"))
			c.images[0]["file_name"] = "Zählung.png"
		}, ""},
		{"string ids, a category of another number", func(c *evalCase) {
			names := map[float64]string{}
			for _, im := range c.images {
				names[im["id"].(float64)] = strings.TrimSuffix(im["file_name"].(string), ".png")
				delete(im, "file_name")
			}
			c.imageIDs(func(old float64) any { return names[old] })
			c.category(0, " Nucleus")
		}, "spinemask: 1 nucleus           0  Nucleus\nspinemask: - (never found)     99 background\n"},
		{"large ids, a category that is a string", func(c *evalCase) {
			c.imageIDs(func(old float64) any {
				return json.Number("1729382256910270" + json.Number(string(rune('0'+int(old)%9))).String() + "641")
			})
			c.category("n", "nucleus")
		}, "spinemask: 1 nucleus           n nucleus\n"},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := newEvalCase(t)
			x.change(c)
			keep := filepath.Join(c.dir, "run")
			code, got, said := c.run("--keep", keep)
			require.Zero(t, code, said)
			require.Equal(t, want, got)
			require.Contains(t, said, x.said)
			// What is kept has the ids of the data set.
			code, got, said = call("eval", filepath.Join(c.dir, "gt.json"), filepath.Join(keep, "results.json"), "--iou", "segm", "--max-dets", "10,100,400")
			require.Zero(t, code, said)
			require.Equal(t, want, got)
		})
	}
}

func TestEvalRefusesBeforeTheRun(t *testing.T) {
	for _, x := range []struct {
		change func(c *evalCase)
		want   []string
	}{
		{func(c *evalCase) { c.category(1, "mitochondrion") }, []string{"no class of the model is a category of ", "the model has nucleus (1); the data set has background (99), mitochondrion (1)"}},
		{func(c *evalCase) { c.images[1]["file_name"] = square }, []string{"alike is the file of image 48 (" + square + ") and of image 95 (" + square + ")"}},
		{func(c *evalCase) {
			c.rename(wide, "a/"+wide)
			c.rename(square, "b/"+wide)
			c.images = c.images[:1]
			c.images[0]["file_name"] = wide
			c.set["images"] = c.set["images"].([]any)[:1]
		}, []string{"image 48 (" + wide + ") could be a/" + wide + " or b/" + wide + " in "}},
		{func(c *evalCase) { c.rename(square, "other.png") }, []string{"1 of 2 images of ", "image 48 (" + square + ")", "hint: looked for file_name as it is", "--allow-missing evaluates the others"}},
	} {
		c := newEvalCase(t)
		x.change(c)
		code, out, said := c.run("--keep", filepath.Join(c.dir, "run"))
		require.Equal(t, 1, code, said)
		require.Empty(t, out)
		for _, w := range x.want {
			require.Contains(t, said, w)
		}
		require.NoFileExists(t, filepath.Join(c.dir, "run", "journal.jsonl"))
	}
}

// Images that are missing, or that turn out to be none, are left out if that is allowed; what was found is kept if not.
func TestEvalLeavesOutMissingImages(t *testing.T) {
	one := newEvalCase(t)
	one.set["images"] = one.set["images"].([]any)[:1]
	_, want, _ := one.run()

	c := newEvalCase(t)
	require.NoError(t, os.Remove(filepath.Join(c.dir, "images", wide)))
	code, got, said := c.run("--allow-missing")
	require.Zero(t, code, said)
	require.Equal(t, want, got)
	require.Contains(t, said, "warning: 1 images are missing or could not be read; they and their annotations are left out: image 95 ("+wide+") [missing-images]")
	code, got, _ = c.run("--allow-missing", "--strict")
	require.Equal(t, 1, code)
	require.Empty(t, got)

	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "images", wide), []byte("\x89PNG\r\n\x1a\nbroken"), 0o644))
	code, got, said = c.run()
	require.Equal(t, 2, code)
	require.Empty(t, got)
	require.Contains(t, said, "error: 1 of 2 images failed: image 95 ("+wide+")")
	require.NotContains(t, said, "spinemask segment")
	_, folder, kept := strings.Cut(said, "what was found in 1 images is kept: the same command with --keep ")
	require.True(t, kept, said)
	folder, _, _ = strings.Cut(folder, " goes on")
	defer os.RemoveAll(folder)
	code, got, said = c.run("--keep", folder, "--allow-missing")
	require.Zero(t, code, said)
	require.Equal(t, want, got)
}

// A photo that is stored on its side, and annotated upright or as it is stored.
func TestEvalFollowsTheOrientationOfTheDataSet(t *testing.T) {
	upright := newEvalCase(t)
	turned := newEvalCase(t)
	for _, name := range []string{square, wide} {
		m, err := imageio.Open(filepath.Join(upright.dir, "images", name), imageio.Options{})
		require.NoError(t, err)
		side := imageio.New(m.Height, m.Width)
		for y := range m.Height {
			for x := range m.Width {
				sx, sy := stored(6, x, y, m.Width, m.Height)
				copy(side.Pix[3*(sy*side.Width+sx):][:3], m.Pix[3*(y*m.Width+x):])
			}
		}
		for c, m := range map[*evalCase]*imageio.Image{upright: m, turned: side} {
			var b bytes.Buffer
			require.NoError(t, jpeg.Encode(&b, m, &jpeg.Options{Quality: 100}))
			data := b.Bytes()
			if c == turned { // EXIF: little endian, one entry, tag 0x0112, a short of value 6
				exif := "\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
				data = append(append([]byte{0xff, 0xd8}, exif...), data[2:]...)
			}
			require.NoError(t, os.Remove(filepath.Join(c.dir, "images", name)))
			require.NoError(t, os.WriteFile(filepath.Join(c.dir, "images", strings.TrimSuffix(name, ".png")+".jpg"), data, 0o644))
		}
	}
	ap := func(c *evalCase, args ...string) (float64, string) {
		code, out, said := c.run(append([]string{"--json"}, args...)...)
		require.Zero(t, code, said)
		var doc struct {
			Evaluations []struct{ Stats map[string]float64 }
		}
		require.NoError(t, json.Unmarshal([]byte(out), &doc))
		return doc.Evaluations[0].Stats["AP50"], said
	}
	want, said := ap(upright)
	require.NotContains(t, said, "orientation")
	got, said := ap(turned)
	require.InDelta(t, want, got, .05) // JPEG compresses what lies on its side otherwise
	require.Contains(t, said, "2 images are turned upright by their EXIF orientation")
	got, _ = ap(turned, "--exif", "on")
	require.InDelta(t, want, got, .05)
	got, said = ap(turned, "--exif", "off")
	require.Less(t, got, want/3)
	require.Contains(t, said, "[exif-orientation]")
	for _, im := range turned.images { // of squares alone, nothing tells
		im["width"], im["height"] = 0, 0
	}
	_, said = ap(turned)
	require.Contains(t, said, "[exif-unclear]")
}

func TestAnnotationsOfSegment(t *testing.T) {
	c := newEvalCase(t)
	c.imageIDs(func(old float64) any { return map[float64]string{48: "x", 95: "y"}[old] })
	c.images[0]["file_name"] = `deep\` + strings.ToUpper(square)
	delete(c.images[1], "license")
	data, err := json.Marshal(c.set)
	require.NoError(t, err)
	gt := filepath.Join(c.dir, "gt.json")
	require.NoError(t, os.WriteFile(gt, append([]byte("\xef\xbb\xbf"), data...), 0o644))
	extra, err := os.ReadFile("../../testdata/images/853a4c67900c411a.png")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "images", "extra.png"), extra, 0o644))
	out := filepath.Join(c.dir, "out")
	code, _, said := call("segment", filepath.Join(c.dir, "images"), "-o", out, "--save", "coco", "--annotations", gt)
	require.Zero(t, code, said)
	require.Contains(t, said, "left out 1 images that "+gt+" does not have: extra.png")
	code, text, said := call("eval", gt, filepath.Join(out, "results.json"), "--iou", "segm")
	require.Zero(t, code, said)
	require.NotContains(t, text, "maxDets=100 ] = -1.000\n Average Precision  (AP) @[ IoU=0.50      ")
	require.NotContains(t, said, "unknown")

	require.NoError(t, os.WriteFile(gt, []byte(`{"images":[{"id":1,"file_name":"none.png"}],"categories":[],"annotations":[]}`), 0o644))
	code, _, said = call("segment", filepath.Join(c.dir, "images"), "-o", filepath.Join(c.dir, "out2"), "--annotations", gt)
	require.Equal(t, 1, code)
	require.Contains(t, said, "none of the images: ")
	require.Contains(t, said, "it has none.png")
	require.NoDirExists(t, filepath.Join(c.dir, "out2"))
}
