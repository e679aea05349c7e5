//! What the engine answers to a case, and whether that is what was expected.

use super::format::Question;
use footfall::engine::assignment::{BucketRange, bucket, bucket_ranges, choose_variation, equal_weights, in_namespace};
use footfall::engine::condition::Compiler;
use footfall::engine::fault::RuleFault;
use footfall::engine::tree::resolve_any;
use footfall_protocol::Value;

/// What came out, and what authors would be told of the condition.
pub(super) struct Answer {
    pub(super) value: Value,
    pub(super) faults: Vec<RuleFault>,
}

/// Asks the engine.
pub(super) fn answer(question: &Question) -> Answer {
    let mut faults = Vec::new();
    let value = match question {
        Question::Condition { condition, attributes, groups } => {
            let mut compiler = Compiler::new(&resolve_any);
            compiler.groups = Some(groups);
            // What is written wrong is false and stops nothing, as in the SDKs.
            let holds = compiler.condition(condition, "").holds(attributes);
            faults = compiler.faults;
            holds.into()
        }
        Question::Hash { seed, value, version } => bucket(seed, value, *version).into(),
        Question::Ranges { variations, coverage, weights } => {
            let pair = |range: BucketRange| Value::Array(vec![range.from.into(), range.to.into()]);
            bucket_ranges(*variations, *coverage, weights.as_deref()).into_iter().map(pair).collect::<Vec<_>>().into()
        }
        Question::Choice { bucket, ranges } => {
            let place = choose_variation(*bucket, ranges).and_then(|place| u32::try_from(place).ok());
            place.map_or(Value::Number(-1.0), Value::from)
        }
        Question::Namespace { value, namespace, part } => in_namespace(value, namespace, *part).into(),
        Question::EqualWeights { variations } => {
            equal_weights(*variations).into_iter().map(Value::from).collect::<Vec<_>>().into()
        }
    };
    Answer { value, faults }
}

/// Whether an answer is the expected one. The public cases give numbers to at most eight places, cut off or
/// rounded; one that is written with more is meant to the last digit.
pub(super) fn agree(expected: &Value, answer: &Value) -> bool {
    match (expected, answer) {
        (Value::Number(expected), Value::Number(answer)) => {
            let places = (expected * 1e8).round();
            let to_eight_places = places / 1e8 == *expected;
            let near = [(answer * 1e8).floor(), (answer * 1e8).round()].contains(&places);
            expected == answer || (to_eight_places && near)
        }
        (Value::Array(expected), Value::Array(answer)) => {
            expected.len() == answer.len()
                && expected.iter().zip(answer).all(|(expected, answer)| agree(expected, answer))
        }
        _ => expected == answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_as_far_as_they_are_written() {
        let agree = |a: &str, b: f64| agree(&serde_json::from_str(a).unwrap(), &b.into());
        assert!(agree("0.33333333", 1.0 / 3.0) && agree("0.06", 0.2 * 0.3) && agree("0.3333333333333333", 1.0 / 3.0));
        assert!(!agree("0.33333334", 1.0 / 3.0) && !agree("0.333333333", 1.0 / 3.0) && !agree("0.25", 0.5));
        assert!(!agree("null", 0.0) && !agree("[0.5]", 0.5));
    }
}
