package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/testkit/modelfiles"
	"github.com/spinemask/spinemask/weights"
)

// A modelKind is a kind of model file.
type modelKind struct {
	name    string
	make    func(t *testing.T, folder string) string // writes one and returns its path
	flags   string                                   // that keep the input small
	classes int
	model   config.Model
	brief   bool                 // what is slow is left out: of the network of a kind before in another container, of one that begins a large detector
	refused string               // what is said of it where it is not read
	except  map[string]modelWant // commands of which something else is wanted
	train   string               // a file with the config to train, which a backbone alone does not tell
}

// modelWant is what a command says: an exit code, and pieces of what it prints.
type modelWant struct {
	code           int
	stdout, stderr string // regular expressions
}

// modelCommands are the commands that take a model, and what they do with each kind of network. FILE, CLASSES and FLAGS stand for what belongs to the kind.
var modelCommands = []struct {
	name string
	args string
	want map[config.Model]modelWant
	slow bool
}{
	{"segment", "segment photos -o OUT --save coco,csv -m FILE CLASSES FLAGS", map[config.Model]modelWant{
		config.ModelMaskRCNN:       {stderr: `1 of 1 images`},
		config.ModelRetinaNet:      {stderr: `1 of 1 images`},
		config.ModelClassification: {code: 1, stderr: `classifies whole images, it finds no instances`},
	}, false},
	{"masks", "segment photos -o OUT --save masks -m FILE CLASSES FLAGS", map[config.Model]modelWant{
		config.ModelMaskRCNN:       {stderr: `1 of 1 images`},
		config.ModelRetinaNet:      {code: 1, stderr: `--save masks: want masks, and the model makes boxes alone`},
		config.ModelClassification: {code: 1, stderr: `classifies whole images`},
	}, false},
	{"classify", "classify photos -m FILE CLASSES FLAGS", map[config.Model]modelWant{
		config.ModelMaskRCNN:       {code: 1, stderr: `finds instances, it does not classify whole images`},
		config.ModelRetinaNet:      {code: 1, stderr: `finds instances, it does not classify whole images`},
		config.ModelClassification: {stdout: `%`},
	}, false},
	{"info", "info -m FILE CLASSES FLAGS", map[config.Model]modelWant{
		config.ModelMaskRCNN:       {stdout: `finds +cat, `},
		config.ModelRetinaNet:      {stdout: `kind +RetinaNet`},
		config.ModelClassification: {stdout: `kind +classification`},
	}, false},
	{"config", "info --config -m FILE CLASSES FLAGS", map[config.Model]modelWant{
		config.ModelMaskRCNN:       {stdout: `"mask_head"`},
		config.ModelRetinaNet:      {stdout: `"model": "retinanet"`},
		config.ModelClassification: {stdout: `"model": "classification"`},
	}, false},
	{"convert", "convert FILE -o OUT CLASSES FLAGS", map[config.Model]modelWant{
		config.ModelMaskRCNN:       {stdout: `mapped +\d+ tensors`},
		config.ModelRetinaNet:      {stdout: `mapped +\d+ tensors`},
		config.ModelClassification: {stdout: `mapped +\d+ tensors`},
	}, false},
	{"bench", "bench -m FILE --runs 1 CLASSES FLAGS", map[config.Model]modelWant{
		config.ModelMaskRCNN:       {stdout: `mask head`},
		config.ModelRetinaNet:      {stdout: `detections`},
		config.ModelClassification: {stdout: `classification`},
	}, true},
	{"eval", "eval truth.json --images photos -m FILE CLASSES FLAGS", map[config.Model]modelWant{
		config.ModelMaskRCNN:       {stdout: `Average Precision`},
		config.ModelRetinaNet:      {stdout: `Average Precision`},
		config.ModelClassification: {code: 1, stderr: `classifies whole images`},
	}, false},
	{"eval segm", "eval truth.json --images photos --iou segm -m FILE CLASSES FLAGS", map[config.Model]modelWant{
		config.ModelMaskRCNN:       {stdout: `Average Precision`},
		config.ModelRetinaNet:      {code: 1, stderr: `--iou segm wants masks, and .* makes boxes alone`},
		config.ModelClassification: {code: 1, stderr: `classifies whole images`},
	}, false},
	{"train", "train truth.json --images photos --check --train-size 128x128 --from FILE CLASSES FLAGS", map[config.Model]modelWant{
		config.ModelMaskRCNN:       {stderr: `from +.*arrays kept`},
		config.ModelRetinaNet:      {stderr: `from +.*arrays kept`},
		config.ModelClassification: {code: 1, stderr: `a classifier gives its backbone to a detector; which one\?`},
	}, true},
}

// written writes a file.
func written(name string, data func(t *testing.T) []byte) func(*testing.T, string) string {
	return func(t *testing.T, folder string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, data(t), 0o644))
		return path
	}
}

// listed are tensors of a list of a running original.
func listed(t *testing.T, file string) []modelfiles.Tensor {
	list, err := modelfiles.Listed("../../weights/testdata/" + file + ".tsv.gz")
	require.NoError(t, err)
	return list
}

// ofTF1 are the tensors of the small checkpoint of tensorflow/tpu.
func ofTF1(t *testing.T) []modelfiles.Tensor {
	f, err := weights.OpenRaw("../../testdata/tf1_tiny/spinenet-tiny.tar.gz")
	require.NoError(t, err)
	defer f.Close()
	var list []modelfiles.Tensor
	for _, name := range f.Names() {
		v, _ := f.Tensor(name)
		if strings.HasSuffix(name, "/Momentum") || len(v.Shape) == 0 {
			continue
		}
		values, err := v.Float32(nil)
		require.NoError(t, err)
		list = append(list, modelfiles.Tensor{Name: name, Shape: v.Shape, Values: append([]float32{}, values...)})
	}
	return list
}

// bundleOf writes a checkpoint of TensorFlow and returns its folder.
func bundleOf(tensors func(*testing.T) []modelfiles.Tensor) func(*testing.T, string) string {
	return func(t *testing.T, folder string) string {
		index, data := modelfiles.Bundle(tensors(t))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "ckpt-1.index"), index, 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "ckpt-1.data-00000-of-00001"), data, 0o644))
		return folder
	}
}

func listedBundle(file string) func(*testing.T, string) string {
	return bundleOf(func(t *testing.T) []modelfiles.Tensor { return listed(t, file) })
}

// d2 is a small Mask R-CNN with the names of Detectron2.
func d2() []modelfiles.Tensor { return modelfiles.Detectron2(50, 3) }

// mmdetFile is a file of mmdetection with the texts that its version writes beside the weights.
func mmdetFile(meta ...modelfiles.Item) []byte {
	return modelfiles.PyTorch(modelfiles.Items{{Key: "meta", Value: modelfiles.Items(meta)}, {Key: "state_dict", Value: modelfiles.MMDetection(d2())}})
}

// with adds a tensor of a name to a network.
func with(list []modelfiles.Tensor, name string) []modelfiles.Tensor {
	return append(list, modelfiles.New(name, 2, 2, 1, 1))
}

// zooFile is a pickle of Detectron2's model zoo.
func zooFile(list []modelfiles.Tensor) []byte {
	return modelfiles.NumPy(modelfiles.Items{{Key: "model", Value: list}, {Key: "__author__", Value: "Detectron2 Model Zoo"}})
}

// onlyBackbone leaves the tensors of the ResNet.
func onlyBackbone(list []modelfiles.Tensor) []modelfiles.Tensor {
	var out []modelfiles.Tensor
	for _, v := range list {
		if strings.HasPrefix(v.Name, "res") || strings.HasPrefix(v.Name, "conv1_") {
			out = append(out, v)
		}
	}
	return out
}

const (
	follows = "--input-size short:64,long:96" // the input follows the photo
	fixed   = "--input-size 128x128"
)

// mobile is what is wanted of mobile SpineNets alone.
var mobile = map[string]modelWant{"train": {code: 1, stderr: `depthwise 3x3 same cannot be trained`}}

var modelKinds = []modelKind{
	{name: "native RetinaNet", model: config.ModelRetinaNet, classes: 3, make: func(t *testing.T, folder string) string {
		require.NoError(t, writeTiny(config.ModelRetinaNet, filepath.Join(folder, "m.safetensors")))
		return filepath.Join(folder, "m.safetensors")
	}},
	{name: "native classifier", model: config.ModelClassification, classes: 3, make: func(t *testing.T, folder string) string {
		require.NoError(t, writeTiny(config.ModelClassification, filepath.Join(folder, "m.safetensors")))
		return filepath.Join(folder, "m.safetensors")
	}},
	{name: "tensorflow/tpu, archive", model: config.ModelMaskRCNN, classes: 90, flags: fixed, make: func(*testing.T, string) string {
		return "../../testdata/tf1_tiny/spinenet-tiny.tar.gz"
	}},
	{name: "tensorflow/tpu, folder", model: config.ModelMaskRCNN, brief: true, classes: 90, flags: fixed, make: bundleOf(ofTF1)},
	{name: "tensorflow/tpu, safetensors", model: config.ModelMaskRCNN, brief: true, classes: 90, flags: fixed, make: written("m.safetensors", func(t *testing.T) []byte {
		return modelfiles.Safetensors(ofTF1(t))
	})},
	{name: "tensorflow/tpu, classifier", model: config.ModelClassification, classes: 100, flags: fixed, make: listedBundle("tf1_classification")},
	{name: "Garden, SpineNet", model: config.ModelMaskRCNN, classes: 90, flags: fixed, make: listedBundle("tf2_b")},
	{name: "Garden, archive", model: config.ModelMaskRCNN, brief: true, classes: 90, flags: fixed, make: written("m.tar.gz", func(t *testing.T) []byte {
		return modelfiles.Archive(listed(t, "tf2_b"))
	})},
	{name: "Garden, ResNet-FPN", model: config.ModelMaskRCNN, classes: 20, flags: fixed, make: listedBundle("tf2_rfpn_mrcnn")},
	{name: "Garden, mobile SpineNet", model: config.ModelMaskRCNN, classes: 20, flags: fixed, make: listedBundle("tf2_mobile_mrcnn"), except: mobile},
	{name: "Garden, RetinaNet", model: config.ModelRetinaNet, classes: 20, flags: fixed, make: listedBundle("tf2_retina9")},
	{name: "Garden, mobile RetinaNet", model: config.ModelRetinaNet, classes: 20, flags: fixed, make: listedBundle("tf2_mobile_retina"), except: mobile},
	{name: "Garden, RetinaNet on ResNet-FPN", model: config.ModelRetinaNet, classes: 20, flags: fixed, make: listedBundle("tf2_rfpn_retina")},
	{name: "Garden, ResNet classifier", model: config.ModelClassification, brief: true, classes: 101, flags: "--input-size 64x64", make: listedBundle("tf2_cls_resnet")},
	{name: "mmdetection 1", model: config.ModelMaskRCNN, classes: 5, flags: "--input-size short:128,long:128", make: func(*testing.T, string) string {
		return "../../testdata/mmdet_tiny/tiny.pth"
	}},
	{name: "mmdetection 2", model: config.ModelMaskRCNN, classes: 3, flags: follows, make: written("m.pth", func(*testing.T) []byte {
		return mmdetFile(modelfiles.Item{Key: "mmdet_version", Value: "2.28.2"})
	}), except: map[string]modelWant{"config": {stdout: `"photo_frame": true`}}},
	{name: "mmdetection 3", model: config.ModelMaskRCNN, brief: true, classes: 3, flags: follows, make: written("m.pth", func(*testing.T) []byte {
		return mmdetFile(modelfiles.Item{Key: "mmengine_version", Value: "0.10.7"})
	}), except: map[string]modelWant{"info": {stderr: `semantics = mmdetection3 \(written by mmengine 0.10.7\)`}}},
	{name: "mmdetection, caffe style", model: config.ModelMaskRCNN, brief: true, classes: 3, flags: follows, make: written("m.pth", func(*testing.T) []byte {
		return mmdetFile(modelfiles.Item{Key: "cfg", Value: "model = dict(backbone=dict(style='caffe'))"})
	}), except: map[string]modelWant{"config": {stdout: `"channel_order": "bgr"`}, "info": {stderr: `style = caffe \(config in the file\)`}}},
	{name: "mmdetection, safetensors", model: config.ModelMaskRCNN, brief: true, classes: 3, flags: follows, make: written("m.safetensors", func(*testing.T) []byte {
		return modelfiles.Safetensors(modelfiles.MMDetection(d2()))
	})},
	{name: "Detectron2, pkl", model: config.ModelMaskRCNN, classes: 3, flags: follows, make: written("m.pkl", func(*testing.T) []byte { return zooFile(d2()) })},
	{name: "Detectron2, pth", model: config.ModelMaskRCNN, brief: true, classes: 3, flags: follows, make: written("m.pth", func(*testing.T) []byte {
		return modelfiles.PyTorch(modelfiles.Items{{Key: "model", Value: d2()}})
	})},
	{name: "Detectron2, config.yaml", model: config.ModelMaskRCNN, brief: true, classes: 3, make: func(t *testing.T, folder string) string {
		text := "MODEL: {PIXEL_STD: [57.375, 57.12, 58.395]}\nINPUT: {MIN_SIZE_TEST: 64, MAX_SIZE_TEST: 96}\n"
		require.NoError(t, os.WriteFile(filepath.Join(folder, "config.yaml"), []byte(text), 0o644))
		return written("m.pkl", func(*testing.T) []byte { return zooFile(d2()) })(t, folder)
	}, except: map[string]modelWant{"info": {stderr: `longer side at most 96 \(config.yaml beside the file\)`}}},
	{name: "Detectron2, safetensors", model: config.ModelMaskRCNN, brief: true, classes: 3, flags: follows, make: written("m.safetensors", func(*testing.T) []byte {
		return modelfiles.Safetensors(d2())
	})},
	{name: "Detectron2, several safetensors", model: config.ModelMaskRCNN, brief: true, classes: 3, flags: follows, make: func(t *testing.T, folder string) string {
		index, err := modelfiles.Sharded(folder, d2(), 2)
		require.NoError(t, err)
		return index
	}},
	{name: "Detectron", model: config.ModelMaskRCNN, classes: 3, flags: follows, make: written("m.pkl", func(*testing.T) []byte {
		return modelfiles.Python2(modelfiles.Items{{Key: "blobs", Value: modelfiles.Caffe2(d2())}, {Key: "cfg", Value: "MODEL: {}\n"}})
	})},
	{name: "torchvision", model: config.ModelMaskRCNN, classes: 3, flags: follows, make: written("m.pth", func(*testing.T) []byte {
		return modelfiles.PyTorch(modelfiles.Items{{Key: "model", Value: modelfiles.Torchvision(d2())}})
	})},
	{name: "torchvision, safetensors", model: config.ModelMaskRCNN, brief: true, classes: 3, flags: follows, make: written("m.safetensors", func(*testing.T) []byte {
		return modelfiles.Safetensors(modelfiles.Torchvision(d2()))
	})},

	// What is not read.
	{name: "Detectron2's backbone", classes: 3, train: "config.json", refused: `a backbone of Detectron2 alone, without the other parts of a detector`, make: func(t *testing.T, folder string) string {
		c, err := config.Detectron2("r50")
		require.NoError(t, err)
		c.Backbone.Stem, c.Backbone.Bottleneck, c.Backbone.Stage, c.Backbone.Endpoints = 2, 2, 8, 4
		c.RPN.Filters, c.BoxHead.FC, c.MaskHead.Filters = 4, []int{6, 6}, 4
		c.Categories = []config.Category{{ID: 1, Name: "cat"}, {ID: 2, Name: "dog"}, {ID: 3, Name: "owl"}}
		text, err := json.Marshal(c)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, "config.json"), text, 0o644))
		return written("m.pkl", func(*testing.T) []byte {
			return modelfiles.Python2(modelfiles.Items{}.With(onlyBackbone(modelfiles.Caffe2(d2()))))
		})(t, folder)
	}, except: map[string]modelWant{"train": {stderr: `from +.*: 265 arrays kept`}}},
	{name: "Detectron2, C4", classes: 3, refused: `with a C4 backbone, which is not supported`, make: written("m.pkl", func(*testing.T) []byte {
		return zooFile(with(d2(), "roi_heads.res5.0.conv1.weight"))
	})},
	{name: "Detectron2, DC5", classes: 3, refused: `config.yaml: MODEL.RESNETS.RES5_DILATION 2, want 1: DC5 is not supported`, make: func(t *testing.T, folder string) string {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "config.yaml"), []byte("MODEL: {RESNETS: {RES5_DILATION: 2}}\n"), 0o644))
		return written("m.pkl", func(*testing.T) []byte { return zooFile(d2()) })(t, folder)
	}},
	{name: "Detectron2, RetinaNet", classes: 3, refused: `a RetinaNet of Detectron2, which is not supported`, make: written("m.pth", func(*testing.T) []byte {
		return modelfiles.PyTorch(modelfiles.Items{{Key: "model", Value: with(d2(), "head.cls_subnet.0.weight")}})
	})},
	{name: "Detectron, RetinaNet", classes: 3, refused: `a RetinaNet of Detectron, which is not supported`, make: written("m.pkl", func(*testing.T) []byte {
		return modelfiles.Python2(modelfiles.Items{{Key: "blobs", Value: with(modelfiles.Caffe2(d2()), "retnet_cls_pred_fpn3_w")}})
	})},
	{name: "mmdetection, cascade", classes: 3, refused: `a network of mmdetection with a cascade, which is not supported`, make: written("m.pth", func(*testing.T) []byte {
		return modelfiles.PyTorch(modelfiles.Items{{Key: "state_dict", Value: with(modelfiles.MMDetection(d2()), "roi_head.bbox_head.0.fc_cls.weight")}})
	})},
	{name: "torchvision, RetinaNet", classes: 3, refused: `a RetinaNet .*, which is not read of this system: want Mask R-CNN`, make: written("m.pth", func(*testing.T) []byte {
		return modelfiles.PyTorch(modelfiles.Items{{Key: "model", Value: with(modelfiles.Torchvision(d2()), "head.classification_head.cls_logits.weight")}})
	})},
	{name: "several safetensors, one missing", classes: 3, refused: `model.safetensors.index.json: model-00002-of-00002.safetensors: the file is not beside the index`, make: func(t *testing.T, folder string) string {
		_, err := modelfiles.Sharded(folder, d2(), 2)
		require.NoError(t, err)
		require.NoError(t, os.Remove(filepath.Join(folder, "model-00002-of-00002.safetensors")))
		return folder
	}},
	{name: "a web page", classes: 3, refused: `m.pth: a web page \("Sign in"\), not the weights`, make: written("m.pth", func(*testing.T) []byte {
		return []byte("<!DOCTYPE html><html><title>Sign in</title>")
	})},
}

// TestKindsOfFilesAndCommands gives every kind of model file to every command that takes one.
func TestKindsOfFilesAndCommands(t *testing.T) {
	home := t.TempDir()
	photos := filepath.Join(home, "photos")
	truth := filepath.Join(home, "truth.json")
	writePhoto(t, photos, truth)
	for i, k := range modelKinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(home, fmt.Sprint(i))
			require.NoError(t, os.Mkdir(folder, 0o755))
			file := k.make(t, folder)
			names := []string{"cat", "dog", "owl"}
			for len(names) < k.classes {
				names = append(names, fmt.Sprintf("thing %d", len(names)))
			}
			classes := filepath.Join(home, fmt.Sprint(i, ".txt"))
			require.NoError(t, os.WriteFile(classes, []byte(strings.Join(names[:k.classes], "\n")), 0o644))
			for j, c := range modelCommands {
				if c.slow && k.brief {
					continue
				}
				var args []string
				for _, a := range strings.Fields(c.args) {
					switch a {
					case "photos":
						a = photos
					case "truth.json":
						a = truth
					case "FILE":
						a = file
					case "OUT":
						a = filepath.Join(home, fmt.Sprintf("out-%d-%d", i, j))
					case "CLASSES":
						args = append(args, "--names")
						a = classes
					case "FLAGS":
						args = append(args, strings.Fields(k.flags)...)
						if c.name == "train" && k.train != "" {
							args = append(args, "--model-config", filepath.Join(folder, k.train))
						}
						continue
					}
					args = append(args, a)
				}
				want, ok := c.want[k.model]
				if k.refused != "" {
					want, ok = modelWant{code: exitSetup, stderr: k.refused}, true
				}
				if other, is := k.except[c.name]; is {
					want, ok = other, true
				}
				require.True(t, ok)
				var stdout, stderr bytes.Buffer
				code := run(args, &stdout, &stderr)
				said := fmt.Sprintf("spinemask %s\n%s%s", strings.Join(args, " "), stdout.String(), stderr.String())
				require.Equal(t, want.code, code, said)
				require.Regexp(t, regexp.MustCompile(want.stdout), stdout.String(), said)
				require.Regexp(t, regexp.MustCompile(want.stderr), stderr.String(), said)
				require.Equal(t, min(want.code, 1), strings.Count(stderr.String(), "spinemask: error: "), said)
			}
		})
	}
}

// writePhoto writes a photo of noise and a data set of it, with a cat.
func writePhoto(t *testing.T, folder, truth string) {
	const w, h = 96, 64
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		img.SetRGBA(i%w, i/w, color.RGBA{uint8(i * 7), uint8(i * i >> 3), uint8(i >> 2), 255})
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	require.NoError(t, os.Mkdir(folder, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "a.png"), b.Bytes(), 0o644))
	text, err := json.Marshal(map[string]any{
		"images":     []any{map[string]any{"id": 1, "file_name": "a.png", "width": w, "height": h}},
		"categories": []any{map[string]any{"id": 1, "name": "cat"}},
		"annotations": []any{map[string]any{
			"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "area": 800, "bbox": []int{10, 10, 40, 20},
			"segmentation": [][]int{{10, 10, 50, 10, 50, 30, 10, 30}},
		}},
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(truth, text, 0o644))
}
