//! The expressions by which the kernel turns rows into log actions and checkpoints.
//!
//! Only what writing needs: a table is never scanned here, so predicates are refused.

use std::sync::Arc;

use delta_kernel::expressions::{
    ColumnName, Expression, ExpressionRef, ExpressionStructPatch, JunctionPredicateOp, Predicate,
    PredicateRef, Scalar, UnaryExpressionOp, UnaryPredicateOp, VariadicExpressionOp,
};
use delta_kernel::schema::{DataType, SchemaRef, StructField, StructType};
use delta_kernel::{
    EngineData, EvaluationHandler, ExpressionEvaluator, KernelError, KernelResult,
    PredicateEvaluator,
};
use serde_json::{Map, Value};

use super::rows::{Rows, from_scalar, insert, lookup};

#[derive(Debug)]
pub(super) struct Evaluation;

impl EvaluationHandler for Evaluation {
    fn new_expression_evaluator(
        &self,
        input_schema: SchemaRef,
        expression: ExpressionRef,
        output_type: DataType,
    ) -> KernelResult<Arc<dyn ExpressionEvaluator>> {
        Ok(Arc::new(Evaluator {
            input_schema,
            expression,
            output_type,
        }))
    }

    fn new_predicate_evaluator(
        &self,
        _input_schema: SchemaRef,
        _predicate: PredicateRef,
    ) -> KernelResult<Arc<dyn PredicateEvaluator>> {
        Err(KernelError::unsupported("rows are not filtered here"))
    }

    fn create_many(
        &self,
        schema: SchemaRef,
        rows: Vec<Vec<Scalar>>,
    ) -> KernelResult<Box<dyn EngineData>> {
        let values = rows
            .iter()
            .map(|row| {
                let mut object = Map::new();
                for (field, scalar) in schema.fields().zip(row) {
                    insert(&mut object, field.name(), from_scalar(scalar)?);
                }
                Ok(Value::Object(object))
            })
            .collect::<KernelResult<Vec<_>>>()?;
        Ok(Box::new(Rows::new(schema, values)))
    }
}

#[derive(Debug)]
struct Evaluator {
    input_schema: SchemaRef,
    expression: ExpressionRef,
    output_type: DataType,
}

impl ExpressionEvaluator for Evaluator {
    fn evaluate(&self, batch: &dyn EngineData) -> KernelResult<Box<dyn EngineData>> {
        let values = Rows::of(batch)?
            .values()
            .iter()
            .map(|row| self.value(&self.expression, row, &self.output_type))
            .collect::<KernelResult<Vec<_>>>()?;
        Ok(Box::new(match &self.output_type {
            DataType::Struct(schema) => Rows::new(Arc::new((**schema).clone()), values),
            // What is no struct comes back as the one column `output`.
            other => {
                let schema = StructType::try_new([StructField::nullable("output", other.clone())])?;
                let rows = values.into_iter().map(|value| {
                    let mut row = Map::new();
                    insert(&mut row, "output", value);
                    Value::Object(row)
                });
                Rows::new(Arc::new(schema), rows.collect())
            }
        }))
    }
}

impl Evaluator {
    fn value(&self, expression: &Expression, row: &Value, to: &DataType) -> KernelResult<Value> {
        match (expression, to) {
            (Expression::Literal(scalar), _) => from_scalar(scalar),
            (Expression::Column(path), _) => Ok(lookup(row, path).cloned().unwrap_or_default()),
            (Expression::Struct(fields, None), DataType::Struct(schema)) => {
                let mut object = Map::new();
                for (expression, field) in fields.iter().zip(schema.fields()) {
                    let value = self.value(expression, row, field.data_type())?;
                    insert(&mut object, field.name(), value);
                }
                Ok(object.into())
            }
            (Expression::StructPatch(patch), DataType::Struct(schema)) => {
                self.patch(patch, row, schema)
            }
            (Expression::Unary(unary), _) if unary.op == UnaryExpressionOp::ToJson => {
                Ok(match self.value(&unary.expr, row, &DataType::STRING)? {
                    Value::Null => Value::Null,
                    value => value.to_string().into(),
                })
            }
            (Expression::Variadic(variadic), _)
                if variadic.op == VariadicExpressionOp::Coalesce =>
            {
                for expression in &variadic.exprs {
                    let value = self.value(expression, row, to)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Ok(Value::Null)
            }
            (Expression::Predicate(predicate), _) => Ok(self.holds(predicate, row)?.into()),
            // Bounds as columns of a checkpoint, where another writer's table asks for them: they
            // may be absent, and stand beside it as text.
            (Expression::ParseJson(_), _) => Ok(Value::Null),
            (other, _) => Err(KernelError::unsupported(format!(
                "expression {other} over the log"
            ))),
        }
    }

    /// Whether values are there, which is all that the kernel asks of a row.
    fn holds(&self, predicate: &Predicate, row: &Value) -> KernelResult<bool> {
        match predicate {
            Predicate::Not(inner) => Ok(!self.holds(inner, row)?),
            Predicate::Unary(unary) if unary.op == UnaryPredicateOp::IsNull => {
                Ok(self.value(&unary.expr, row, &DataType::STRING)?.is_null())
            }
            Predicate::Junction(junction) => {
                let is_all = junction.op == JunctionPredicateOp::And;
                for inner in &junction.preds {
                    if self.holds(inner, row)? != is_all {
                        return Ok(!is_all);
                    }
                }
                Ok(is_all)
            }
            other => Err(KernelError::unsupported(format!(
                "predicate {other} over the log"
            ))),
        }
    }

    /// The input struct's fields in order, with what the patch drops, replaces and inserts; the
    /// results take the output's field names one after the other.
    fn patch(
        &self,
        patch: &ExpressionStructPatch,
        row: &Value,
        to: &StructType,
    ) -> KernelResult<Value> {
        let (source, from) = match patch.input_path() {
            None => (row, &*self.input_schema),
            Some(path) => match lookup(row, path) {
                None => return Ok(Value::Null),
                Some(source) => (source, struct_at(&self.input_schema, path)?),
            },
        };
        let mut output = Output {
            object: Map::new(),
            fields: to.fields(),
        };
        for expression in &patch.prepended_fields {
            output.push(|to| self.value(expression, row, to))?;
        }
        for field in from.fields() {
            let name = field.name();
            let patched = patch.field_patches.get(name);
            if patched.is_none_or(|patched| patched.keep_input) {
                output.push(|_| Ok(source.get(name).cloned().unwrap_or_default()))?;
            }
            for expression in patched.iter().flat_map(|patched| &patched.insertions) {
                output.push(|to| self.value(expression, row, to))?;
            }
        }
        for expression in &patch.appended_fields {
            output.push(|to| self.value(expression, row, to))?;
        }
        Ok(output.object.into())
    }
}

struct Output<I> {
    object: Map<String, Value>,
    fields: I,
}

impl<'s, I: Iterator<Item = &'s StructField>> Output<I> {
    fn push(&mut self, value: impl FnOnce(&DataType) -> KernelResult<Value>) -> KernelResult<()> {
        let field = self.fields.next().ok_or_else(|| {
            KernelError::internal_error("a struct patch has more fields than its schema")
        })?;
        insert(&mut self.object, field.name(), value(field.data_type())?);
        Ok(())
    }
}

fn struct_at<'s>(schema: &'s StructType, path: &ColumnName) -> KernelResult<&'s StructType> {
    match schema.field_at(path)?.data_type() {
        DataType::Struct(fields) => Ok(fields),
        other => Err(KernelError::generic(format!(
            "{path} is {other}, not a struct"
        ))),
    }
}
