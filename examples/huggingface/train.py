"""Hugging Face's Trainer on a tiny model with random weights and generated sequences. Lines that know ablate are marked.

python examples/huggingface/train.py -m model.hidden_size=16,32 hydra.sweeper.seeds=3
"""

import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

import ablate  # ablate
from ablate.integrations.transformers import AblateCallback  # ablate


class Majority(Dataset):
    """Sequences of tokens 1 to 4; the class tells whether more than half of them are above 2."""

    def __init__(self, samples, length, seed):
        generator = torch.Generator().manual_seed(seed)
        self.tokens = torch.randint(1, 5, (samples, length), generator=generator)
        self.labels = ((self.tokens > 2).float().mean(1) > 0.5).long()

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return {"input_ids": self.tokens[index], "labels": self.labels[index]}


def accuracy(prediction):
    return {"accuracy": float((prediction.predictions.argmax(1) == prediction.label_ids).mean())}


@ablate.main(version_base="1.3", config_path="conf", config_name="config")  # ablate
def main(cfg, run):
    set_seed(cfg.seed)
    shape = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 16}
    model = BertForSequenceClassification(BertConfig(vocab_size=5, hidden_size=cfg.model.hidden_size, **shape))
    arguments = TrainingArguments(
        output_dir=str(run.directory / "trainer"),
        seed=cfg.seed,
        num_train_epochs=cfg.epochs,
        learning_rate=cfg.optimizer.lr,
        per_device_train_batch_size=32,
        eval_strategy="epoch",
        logging_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        dataloader_pin_memory=False,
    )
    data = {"train_dataset": Majority(256, 8, seed=1), "eval_dataset": Majority(128, 8, seed=2)}
    callback = AblateCallback(run)  # ablate
    trainer = Trainer(model=model, args=arguments, compute_metrics=accuracy, callbacks=[callback], **data)
    trainer.train(resume_from_checkpoint=callback.checkpoint)  # ablate
    return {"accuracy": trainer.evaluate()["eval_accuracy"]}


if __name__ == "__main__":
    main()
